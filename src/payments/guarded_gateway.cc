#include "payments/guarded_gateway.h"

#include <chrono>

namespace florin::payments {
namespace {

/// A permit that is always given back: a call that throws tells nothing about the gateway.
class Permit {
public:
    Permit(std::shared_ptr<limits::CircuitBreaker> breaker, const Clock& clock)
        : breaker_(std::move(breaker)), clock_(clock), begun_(clock.now()) {}
    ~Permit() {
        if (!recorded_) breaker_->forget();
    }
    Permit(const Permit&) = delete;
    Permit& operator=(const Permit&) = delete;

    void record(bool success) {
        recorded_ = true;
        breaker_->record(success, std::chrono::duration_cast<Milliseconds>(clock_.now() - begun_));
    }

private:
    const std::shared_ptr<limits::CircuitBreaker> breaker_;
    const Clock& clock_;
    const Instant begun_;
    bool recorded_ = false;
};

}  // namespace

template <class Result>
awaitable<Result> GuardedGateway::through_breaker(awaitable<Result> work) {
    if (!breaker_->permit()) {
        co_return Unknown{Unknown::Kind::NotCalled,
                          "its circuit is open after too many failed or slow calls"};
    }
    Permit permit(breaker_, clock_);
    Result result = co_await std::move(work);
    permit.record(!std::holds_alternative<Unknown>(result));
    co_return result;
}

awaitable<GatewayAnswer> GuardedGateway::call(GatewayCall call) {
    co_return co_await through_breaker(gateway_->call(std::move(call)));
}

awaitable<FindAnswer> GuardedGateway::find(GatewayCall call) {
    co_return co_await through_breaker(gateway_->find(std::move(call)));
}

}  // namespace florin::payments
