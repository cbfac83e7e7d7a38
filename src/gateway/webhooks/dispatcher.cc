#include "gateway/webhooks/dispatcher.h"

#include <atomic>
#include <map>
#include <string>

#include "gateway/payment_intent.h"
#include "gateway/webhooks/lane.h"
#include "gateway/webhooks/sender.h"
#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/wakeup.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::gateway {
namespace {

constexpr Microseconds retry_store_after = Milliseconds(500);
constexpr Microseconds look_for_lanes_every = Seconds(5);
// Where several processes share the store: for webhooks that another has left, and for receivers
// that are another's and may become ours.
constexpr Microseconds look_for_others_every = Milliseconds(200);
constexpr std::size_t results_per_command = 1'024;
// Results that wait for a store which takes none: past this no attempt starts, so that a full disk
// costs neither memory nor webhooks that are sent again after a restart.
constexpr std::size_t results_max = 16'384;

/// The end of an attempt on its way into the store.
struct Ended {
    Lane* lane;  // it knows the delivery until the result is stored, so it is not forgotten
    DeliveryResult result;
};

/// Read by /metrics, which may outlive the dispatcher.
struct Gauges {
    LaneGauges lanes;
    std::atomic<std::size_t> lane_count{0};
};

}  // namespace

class Dispatcher::Impl : public std::enable_shared_from_this<Dispatcher::Impl> {
public:
    Impl(runtime::Loop& loop, store::Store& store, WebhookSender& sender, leases::Leases& leases,
         const Clock& clock, DispatcherOptions options, telemetry::Metrics& metrics);

    awaitable<void> run(std::shared_ptr<Impl> self);
    awaitable<void> stop(std::shared_ptr<Impl> self, std::chrono::milliseconds deadline);
    void take_up(std::vector<WebhookDelivery> deliveries);

    runtime::Loop& loop_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> look_for_lanes_{true};

private:
    using Lanes = std::map<std::string, Lane, std::less<>>;

    void register_metrics(telemetry::Metrics& metrics);
    Lane* lane_of(const std::string& origin);
    void forget_idle_lanes();
    void give_up_lost_lanes();
    void look_again_at(Instant at);
    void pump(const std::string& origin, Lane& lane);
    void pump_all();
    awaitable<void> read_lanes();
    awaitable<void> read_into(std::shared_ptr<Impl> self, std::string origin, Lane& lane);
    awaitable<void> attempt(std::shared_ptr<Impl> self, Lane& lane, WebhookDelivery delivery);
    void attempt_ended(Lane& lane, const WebhookDelivery& delivery, const SendResult& result,
                       Instant started);
    void report(const WebhookDelivery& delivery, const DeliveryResult& result);
    awaitable<void> record(std::shared_ptr<Impl> self);
    awaitable<bool> try_to_store(const std::vector<Ended>& batch);
    void results_stored(const std::vector<Ended>& stored);
    [[nodiscard]] std::optional<Instant> next_wake() const;

    store::Store& store_;
    WebhookSender& sender_;
    leases::Leases& leases_;
    const Clock& clock_;
    const DispatcherOptions options_;
    Random jitter_;
    const std::shared_ptr<Gauges> gauges_ = std::make_shared<Gauges>();  // shared with the metrics
    Lanes lanes_;
    std::vector<Ended> results_;  // not yet on their way into the store
    std::size_t recording_ = 0;   // results on their way
    std::size_t tasks_ = 0;       // attempts, readings and recordings under way
    bool pumping_ = false;
    bool running_ = false;
    bool stopping_ = false;
    std::optional<Instant> look_again_at_;

    telemetry::Counter delivered_;
    telemetry::Counter retried_;
    telemetry::Counter dead_;
    telemetry::Histogram latency_;
    telemetry::Histogram lateness_;
};

Dispatcher::Impl::Impl(runtime::Loop& loop, store::Store& store, WebhookSender& sender,
                       leases::Leases& leases, const Clock& clock, DispatcherOptions options,
                       telemetry::Metrics& metrics)
    : loop_(loop),
      wakeup_(loop),
      store_(store),
      sender_(sender),
      leases_(leases),
      clock_(clock),
      options_(options),
      jitter_(options.jitter_seed) {
    register_metrics(metrics);
}

void Dispatcher::Impl::register_metrics(telemetry::Metrics& metrics) {
    const auto outcome = [&metrics](const char* result) {
        return metrics.counter("webhook_delivery_total",
                               "Webhook attempts, by what became of the delivery.",
                               {{"result", result}});
    };
    delivered_ = outcome("delivered");
    retried_ = outcome("retried");
    dead_ = outcome("dead");
    latency_ = metrics.histogram("webhook_latency_seconds", "Time of one webhook attempt.",
                                 telemetry::latency_bounds());
    lateness_ = metrics.histogram("florin_webhook_lateness_seconds",
                                  "From a webhook's due time to the start of its first attempt.",
                                  telemetry::latency_bounds());
    const auto gauge = [&metrics, this](const char* name, const char* help, const auto& value) {
        metrics.gauge_from(name, help, {},
                           [kept = gauges_, &value] { return static_cast<double>(value.load()); });
    };
    gauge("florin_webhook_queue", "Due webhooks in memory that wait for their attempt.",
          gauges_->lanes.queued);
    gauge("florin_webhook_in_flight", "Webhook attempts under way.", gauges_->lanes.under_way);
    gauge("florin_webhook_lanes", "Receivers in memory.", gauges_->lane_count);
    gauge("florin_webhook_lanes_failing",
          "Receivers that failed so often in a row that they get one attempt at a time.",
          gauges_->lanes.failing);
}

awaitable<void> Dispatcher::Impl::run(std::shared_ptr<Impl> self) {
    running_ = true;
    while (!stopping_) {
        give_up_lost_lanes();
        try {
            co_await read_lanes();
        } catch (const std::exception& fault) {
            telemetry::warning("Pending webhooks cannot be read yet", {{"fault", fault.what()}});
            look_again_at(clock_.now() + retry_store_after);
        }
        pump_all();
        if (!stopping_) co_await wakeup_.wait_until(clock_, next_wake());
    }
    running_ = false;
}

// Receivers that have no lane: after a start, and when there were more of them than lanes.
awaitable<void> Dispatcher::Impl::read_lanes() {
    const Instant now = clock_.now();
    const bool again = look_again_at_ && *look_again_at_ <= now;
    if (!look_for_lanes_.exchange(false) && !again) co_return;
    look_again_at_.reset();
    if (store_.shared()) look_again_at(now + look_for_others_every);
    const std::size_t limit = options_.lanes_max + 1;
    const auto pending = co_await store_.read(
        [now, limit](store::Snapshot& snapshot) { return pending_origins(snapshot, now, limit); });
    if (pending.next_due) look_again_at(*pending.next_due);
    for (const auto& origin : pending.due) {
        if (Lane* lane = lane_of(origin)) lane->read_at(now);
    }
}

void Dispatcher::Impl::look_again_at(Instant at) {
    look_again_at_ = look_again_at_ ? std::min(*look_again_at_, at) : at;
}

std::optional<Instant> Dispatcher::Impl::next_wake() const {
    std::optional<Instant> next = look_again_at_;
    for (const auto& [origin, lane] : lanes_) {
        const auto wakes = lane.wakes_at();
        if (wakes && (!next || *wakes < *next)) next = wakes;
    }
    return next;
}

/// The origin's lane; nothing when there are too many, and the origin has to wait in the store.
Lane* Dispatcher::Impl::lane_of(const std::string& origin) {
    const auto found = lanes_.find(origin);
    if (found != lanes_.end()) return &found->second;
    if (!leases_.ours(origin)) return nullptr;
    if (lanes_.size() >= options_.lanes_max) forget_idle_lanes();
    if (lanes_.size() >= options_.lanes_max) {
        look_again_at(clock_.now() + look_for_lanes_every);
        return nullptr;
    }
    const LaneLimits limits{options_.per_origin_max, options_.lane_queue_max};
    Lane& lane = lanes_.try_emplace(origin, limits, gauges_->lanes).first->second;
    gauges_->lane_count = lanes_.size();
    return &lane;
}

void Dispatcher::Impl::forget_idle_lanes() {
    const Instant now = clock_.now();
    std::erase_if(lanes_, [this, now](const auto& entry) {
        const auto wakes = entry.second.wakes_at();
        if (!entry.second.idle() || (wakes && *wakes <= now)) return false;
        if (wakes) look_again_at(*wakes);
        leases_.leave(entry.first);
        return true;
    });
    gauges_->lane_count = lanes_.size();
}

// Another process sends to that receiver, or soon will. What is under way here ends here.
void Dispatcher::Impl::give_up_lost_lanes() {
    if (!store_.shared()) return;
    for (auto entry = lanes_.begin(); entry != lanes_.end();) {
        auto& [origin, lane] = *entry;
        const bool ours = leases_.ours(origin);
        if (!ours) lane.forget_waiting();
        entry = !ours && lane.idle() ? lanes_.erase(entry) : std::next(entry);
    }
    gauges_->lane_count = lanes_.size();
}

void Dispatcher::Impl::take_up(std::vector<WebhookDelivery> deliveries) {
    if (!running_) return;
    const Instant now = clock_.now();
    bool wake = false;
    for (auto delivery = deliveries.begin(); delivery != deliveries.end();) {
        const std::string origin = delivery->origin;
        Lane* const lane = lane_of(origin);
        for (; delivery != deliveries.end() && delivery->origin == origin; ++delivery) {
            if (lane == nullptr) continue;
            if (delivery->due_at > now) {
                lane->read_at(delivery->due_at);
            } else {
                lane->offer(std::move(*delivery), now);
            }
        }
        if (lane != nullptr) pump(origin, *lane);
        wake = wake || lane == nullptr || lane->wakes_at();
    }
    if (wake) wakeup_.notify();
}

// Attempts may end where they start (a refused address): then the loop below goes on with the next,
// instead of each starting the next one deeper on the stack.
void Dispatcher::Impl::pump(const std::string& origin, Lane& lane) {
    if (pumping_) return;
    pumping_ = true;
    const bool ours = leases_.ours(origin);
    while (ours && !stopping_ && results_.size() + recording_ < results_max) {
        auto next = lane.start_next();
        if (!next) break;
        ++tasks_;
        runtime::spawn(loop_, "webhook attempt",
                       attempt(shared_from_this(), lane, std::move(*next)));
    }
    pumping_ = false;
    if (ours && !stopping_ && lane.begin_reading(clock_.now())) {
        ++tasks_;
        runtime::spawn(loop_, "webhook lane", read_into(shared_from_this(), origin, lane));
    }
}

void Dispatcher::Impl::pump_all() {
    for (auto& [origin, lane] : lanes_) pump(origin, lane);
}

awaitable<void> Dispatcher::Impl::read_into(std::shared_ptr<Impl> /*self*/, std::string origin,
                                            Lane& lane) {
    const Instant now = clock_.now();
    const int limit = lane.reading_limit();
    try {
        lane.reading_ended(co_await store_.read(
            [&](store::Snapshot& snapshot) { return read_lane(snapshot, origin, now, limit); }));
    } catch (const std::exception& fault) {
        telemetry::warning("A receiver's webhooks cannot be read yet",
                           {{"origin", origin}, {"fault", fault.what()}});
        lane.reading_failed(clock_.now() + retry_store_after);
    }
    --tasks_;
    pump(origin, lane);
    if (!stopping_) wakeup_.notify();
}

awaitable<void> Dispatcher::Impl::attempt(std::shared_ptr<Impl> self, Lane& lane,
                                          WebhookDelivery delivery) {
    const Instant started = clock_.now();
    if (delivery.attempts == 0)
        lateness_.observe(std::chrono::duration<double>(started - delivery.due_at).count());
    SendResult result;
    try {
        result = co_await sender_.send(delivery, delivery.attempts + 1);
    } catch (const std::exception& fault) {
        result.error = fault.what();
    }
    --tasks_;
    attempt_ended(lane, delivery, result, started);
    if (recording_ == 0) {
        ++tasks_;
        recording_ = results_.size();
        runtime::spawn(loop_, "webhook results", record(self));
    }
    pump(delivery.origin, lane);
}

void Dispatcher::Impl::attempt_ended(Lane& lane, const WebhookDelivery& delivery,
                                     const SendResult& result, Instant started) {
    const Instant now = clock_.now();
    latency_.observe(std::chrono::duration<double>(now - started).count());
    const int number = delivery.attempts + 1;
    DeliveryResult ended{
        delivery.id,
        WebhookDelivery::State::Pending,
        delivery.due_at,
        {number, started, result.duration.count(), result.http_status, result.error}};
    if (result.delivered()) {
        ended.state = WebhookDelivery::State::Delivered;
        ended.attempt.at = now;
        delivered_.add();
    } else if (const auto again =
                   next_attempt(options_.retry, result, number - delivery.attempts_before_resend,
                                now, jitter_)) {
        ended.due_at = *again;
        retried_.add();
    } else {
        ended.state = WebhookDelivery::State::Dead;
        dead_.add();
    }
    report(delivery, ended);
    results_.push_back({&lane, std::move(ended)});
    lane.attempt_ended(result.delivered());
}

void Dispatcher::Impl::report(const WebhookDelivery& delivery, const DeliveryResult& result) {
    if (result.state == WebhookDelivery::State::Delivered) {
        if (!telemetry::enabled(telemetry::Level::Debug)) return;
        telemetry::debug("Webhook delivered", {{"payment_id", wire_id(delivery.intent)},
                                               {"webhook_id", delivery.id.text()},
                                               {"webhook_url", delivery.url},
                                               {"attempt", result.attempt.number},
                                               {"http_status", result.attempt.http_status},
                                               {"trace_id", delivery.trace_id}});
        return;
    }
    const bool dead = result.state == WebhookDelivery::State::Dead;
    telemetry::warning(dead ? "Webhook is dead" : "Webhook attempt failed",
                       {{"payment_id", wire_id(delivery.intent)},
                        {"webhook_id", delivery.id.text()},
                        {"webhook_url", delivery.url},
                        {"attempt", result.attempt.number},
                        {"error", result.attempt.error},
                        {"trace_id", delivery.trace_id}});
}

// One command at a time: what ends while it is under way goes into the next. Results are kept until
// the store takes them; lost in a crash they cost a second delivery, which its id gives away.
awaitable<void> Dispatcher::Impl::record(std::shared_ptr<Impl> /*self*/) {
    while (!results_.empty()) {
        std::vector<Ended> batch = std::exchange(results_, {});
        if (batch.size() > results_per_command) {
            const auto rest = batch.begin() + results_per_command;
            results_.assign(std::make_move_iterator(rest), std::make_move_iterator(batch.end()));
            batch.erase(rest, batch.end());
        }
        recording_ = batch.size();
        while (!co_await try_to_store(batch)) co_await runtime::sleep_for(retry_store_after);
        results_stored(batch);
    }
    recording_ = 0;
    --tasks_;
}

awaitable<bool> Dispatcher::Impl::try_to_store(const std::vector<Ended>& batch) {
    try {
        co_await store_.write([&batch](store::Transaction& tx) {
            for (const auto& ended : batch) record_result(tx, ended.result);
        });
        co_return true;
    } catch (const std::exception& fault) {
        telemetry::warning("Webhook results cannot be stored yet",
                           {{"results", results_.size() + batch.size()}, {"fault", fault.what()}});
        co_return false;
    }
}

void Dispatcher::Impl::results_stored(const std::vector<Ended>& stored) {
    bool wake = results_.size() + stored.size() >= results_max;  // attempts were held back
    for (const auto& [lane, result] : stored) {
        lane->result_stored(result.id);
        if (result.state == WebhookDelivery::State::Pending) {
            lane->read_at(result.due_at);
            wake = true;
        }
    }
    if (wake) wakeup_.notify();
}

awaitable<void> Dispatcher::Impl::stop(std::shared_ptr<Impl> /*self*/,
                                       std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    wakeup_.notify();
    while ((tasks_ > 0 || running_) && std::chrono::steady_clock::now() < until) {
        co_await runtime::sleep_for(Milliseconds(5));
    }
    const std::size_t unknown = results_.size() + recording_;
    if (tasks_ > 0) {
        telemetry::warning("Webhooks under way at the stop will be sent again after a start",
                           {{"attempts", gauges_->lanes.under_way.load()}, {"results", unknown}});
    }
}

Dispatcher::Dispatcher(runtime::Loop& loop, store::Store& store, WebhookSender& sender,
                       leases::Leases& leases, const Clock& clock, DispatcherOptions options,
                       telemetry::Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, store, sender, leases, clock, options, metrics)) {}

Dispatcher::~Dispatcher() = default;

void Dispatcher::offer(std::vector<WebhookDelivery> deliveries) {
    impl_->loop_.post([impl = impl_, deliveries = std::move(deliveries)]() mutable {
        impl->take_up(std::move(deliveries));
    });
}

void Dispatcher::look_again() {
    impl_->look_for_lanes_ = true;
    impl_->wakeup_.notify();
}

awaitable<void> Dispatcher::run() {
    return impl_->run(impl_);
}

awaitable<void> Dispatcher::stop(std::chrono::milliseconds deadline) {
    return impl_->stop(impl_, deadline);
}

}  // namespace florin::gateway
