#include "gateway/webhooks/dispatcher.h"

#include <atomic>
#include <map>
#include <string>

#include "gateway/payment_intent.h"
#include "gateway/webhooks/lane.h"
#include "gateway/webhooks/sender.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/wakeup.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::gateway {
namespace {

constexpr Microseconds retry_store_after = Milliseconds(500);
constexpr Microseconds look_for_lanes_every = Seconds(5);
constexpr std::size_t results_per_command = 512;

}  // namespace

class Dispatcher::Impl : public std::enable_shared_from_this<Dispatcher::Impl> {
public:
    Impl(runtime::Loop& loop, store::Store& store, WebhookSender& sender, const Clock& clock,
         DispatcherOptions options, telemetry::Metrics& metrics);

    awaitable<void> run();
    awaitable<void> stop(std::chrono::milliseconds deadline);
    void take_up(std::vector<WebhookDelivery> deliveries);

    runtime::Loop& loop_;
    runtime::Wakeup wakeup_;
    std::atomic<bool> look_for_lanes_{true};

private:
    using Lanes = std::map<std::string, Lane, std::less<>>;

    Lane* lane_of(const std::string& origin);
    void forget_idle_lanes();
    void pump(const std::string& origin, Lane& lane);
    awaitable<void> read_lanes();
    awaitable<void> read_into(std::shared_ptr<Impl> self, std::string origin);
    awaitable<void> attempt(std::shared_ptr<Impl> self, WebhookDelivery delivery);
    void attempt_ended(WebhookDelivery delivery, const SendResult& result, Instant started);
    void report(const WebhookDelivery& delivery, const DeliveryResult& result);
    awaitable<void> record(std::shared_ptr<Impl> self);
    void results_stored(const std::vector<std::pair<std::string, DeliveryResult>>& stored);
    [[nodiscard]] std::optional<Instant> next_wake() const;

    store::Store& store_;
    WebhookSender& sender_;
    const Clock& clock_;
    const DispatcherOptions options_;
    Random jitter_;
    Lanes lanes_;
    std::vector<std::pair<std::string, DeliveryResult>> results_;  // by origin; not yet stored
    bool recording_ = false;
    bool stopping_ = false;
    std::atomic<std::size_t> under_way_{0};
    std::atomic<std::size_t> lane_count_{0};
    std::optional<Instant> look_again_at_;

    telemetry::Counter delivered_;
    telemetry::Counter retried_;
    telemetry::Counter dead_;
    telemetry::Histogram latency_;
    telemetry::Histogram lateness_;
};

Dispatcher::Impl::Impl(runtime::Loop& loop, store::Store& store, WebhookSender& sender,
                       const Clock& clock, DispatcherOptions options, telemetry::Metrics& metrics)
    : loop_(loop),
      wakeup_(loop),
      store_(store),
      sender_(sender),
      clock_(clock),
      options_(options),
      jitter_(options.jitter_seed) {
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
    metrics.gauge_from("florin_webhook_in_flight", "Webhook attempts under way.", {},
                       [this] { return static_cast<double>(under_way_); });
    metrics.gauge_from("florin_webhook_lanes", "Receivers with deliveries in memory.", {},
                       [this] { return static_cast<double>(lane_count_); });
}

awaitable<void> Dispatcher::Impl::run() {
    const auto self = shared_from_this();  // outlives the object that was spawned from
    while (!stopping_) {
        try {
            co_await read_lanes();
        } catch (const std::exception& fault) {
            telemetry::warning("Pending webhooks cannot be read yet", {{"fault", fault.what()}});
            look_for_lanes_ = true;
            look_again_at_ = clock_.now() + retry_store_after;
        }
        const Instant now = clock_.now();
        for (auto& [origin, lane] : lanes_) {
            if (lane.begin_reading(now))
                runtime::spawn(loop_, "webhook lane", read_into(self, origin));
        }
        co_await wakeup_.wait_until(clock_, next_wake());
    }
}

// Receivers that have no lane: after a start, and when there were more of them than lanes.
awaitable<void> Dispatcher::Impl::read_lanes() {
    const bool again = look_again_at_ && *look_again_at_ <= clock_.now();
    if (!look_for_lanes_.exchange(false) && !again) co_return;
    look_again_at_.reset();
    const std::size_t limit = options_.lanes_max + 1;
    const auto origins = co_await store_.read(
        [limit](store::Snapshot& snapshot) { return pending_origins(snapshot, limit); });
    for (const auto& origin : origins) {
        if (Lane* lane = lane_of(origin)) {
            lane->read_at(clock_.now());
        } else {
            look_again_at_ = clock_.now() + look_for_lanes_every;
        }
    }
}

std::optional<Instant> Dispatcher::Impl::next_wake() const {
    std::optional<Instant> next = look_again_at_;
    for (const auto& [origin, lane] : lanes_) {
        const auto wakes = lane.wakes_at();
        if (wakes && (!next || *wakes < *next)) next = wakes;
    }
    return next;
}

Lane* Dispatcher::Impl::lane_of(const std::string& origin) {
    const auto found = lanes_.find(origin);
    if (found != lanes_.end()) return &found->second;
    if (lanes_.size() >= options_.lanes_max) forget_idle_lanes();
    if (lanes_.size() >= options_.lanes_max) return nullptr;
    lane_count_ = lanes_.size() + 1;
    return &lanes_[origin];
}

void Dispatcher::Impl::forget_idle_lanes() {
    std::erase_if(lanes_, [](const auto& entry) { return entry.second.idle(); });
}

void Dispatcher::Impl::take_up(std::vector<WebhookDelivery> deliveries) {
    const Instant now = clock_.now();
    bool wake = false;
    for (auto& delivery : deliveries) {
        const std::string origin = delivery.origin;
        Lane* const lane = lane_of(origin);
        if (lane == nullptr) {
            look_again_at_ = now + look_for_lanes_every;
            wake = true;
        } else if (delivery.due_at > now) {
            lane->read_at(delivery.due_at);
            wake = true;
        } else {
            lane->take_up(std::move(delivery), options_.lane_queue_max);
            pump(origin, *lane);
        }
    }
    if (wake) wakeup_.notify();
}

void Dispatcher::Impl::pump(const std::string& origin, Lane& lane) {
    if (stopping_) return;
    while (auto next = lane.start_next(options_.per_origin_max)) {
        ++under_way_;
        runtime::spawn(loop_, "webhook attempt", attempt(shared_from_this(), std::move(*next)));
    }
    if (lane.begin_reading(clock_.now()))
        runtime::spawn(loop_, "webhook lane", read_into(shared_from_this(), origin));
}

awaitable<void> Dispatcher::Impl::read_into(std::shared_ptr<Impl> /*self*/, std::string origin) {
    const Instant now = clock_.now();
    // Known deliveries are still pending in the store: read past them.
    const int limit = static_cast<int>(options_.lane_queue_max + lanes_[origin].known());
    try {
        auto content = co_await store_.read(
            [&](store::Snapshot& snapshot) { return read_lane(snapshot, origin, now, limit); });
        lanes_[origin].take_up(std::move(content), limit, options_.lane_queue_max);
    } catch (const std::exception& fault) {
        telemetry::warning("A receiver's webhooks cannot be read yet",
                           {{"origin", origin}, {"fault", fault.what()}});
        lanes_[origin].reading_failed(clock_.now() + retry_store_after);
    }
    pump(origin, lanes_[origin]);
    wakeup_.notify();
}

awaitable<void> Dispatcher::Impl::attempt(std::shared_ptr<Impl> self, WebhookDelivery delivery) {
    const Instant started = clock_.now();
    if (delivery.attempts == 0)
        lateness_.observe(std::chrono::duration<double>(started - delivery.due_at).count());
    SendResult result;
    try {
        result = co_await sender_.send(delivery, delivery.attempts + 1);
    } catch (const std::exception& fault) {
        result.error = fault.what();
    }
    --under_way_;
    attempt_ended(std::move(delivery), result, started);
    if (!recording_) {
        recording_ = true;
        runtime::spawn(loop_, "webhook results", record(self));
    }
}

void Dispatcher::Impl::attempt_ended(WebhookDelivery delivery, const SendResult& result,
                                     Instant started) {
    const Instant now = clock_.now();
    latency_.observe(std::chrono::duration<double>(now - started).count());
    DeliveryResult ended;
    ended.id = delivery.id;
    ended.due_at = delivery.due_at;
    ended.attempt = {delivery.attempts + 1, started, result.duration.count(), result.http_status,
                     result.error};
    if (result.delivered()) {
        ended.state = WebhookDelivery::State::Delivered;
        ended.attempt.at = now;
        delivered_.add();
    } else if (const auto again =
                   next_attempt(options_.retry, result, delivery.attempts + 1, now, jitter_)) {
        ended.due_at = *again;
        retried_.add();
    } else {
        ended.state = WebhookDelivery::State::Dead;
        dead_.add();
    }
    report(delivery, ended);
    results_.emplace_back(delivery.origin, std::move(ended));
    Lane& lane = lanes_[delivery.origin];
    lane.attempt_ended(result.delivered());
    pump(delivery.origin, lane);
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
        const std::size_t count = std::min(results_.size(), results_per_command);
        const std::vector<std::pair<std::string, DeliveryResult>> batch(
            results_.begin(), results_.begin() + static_cast<std::ptrdiff_t>(count));
        std::vector<DeliveryResult> rows;
        rows.reserve(count);
        for (const auto& [origin, result] : batch) rows.push_back(result);
        bool stored = false;
        try {
            co_await store_.write([&rows](store::Transaction& tx) { record_results(tx, rows); });
            stored = true;
        } catch (const std::exception& fault) {
            telemetry::warning("Webhook results cannot be stored yet",
                               {{"results", results_.size()}, {"fault", fault.what()}});
        }
        if (!stored) {
            if (stopping_) break;
            co_await runtime::sleep_for(retry_store_after);
            continue;
        }
        results_.erase(results_.begin(), results_.begin() + static_cast<std::ptrdiff_t>(count));
        results_stored(batch);
    }
    recording_ = false;
}

void Dispatcher::Impl::results_stored(
    const std::vector<std::pair<std::string, DeliveryResult>>& stored) {
    bool wake = false;
    for (const auto& [origin, result] : stored) {
        Lane& lane = lanes_[origin];
        lane.result_stored(result.id);
        if (result.state == WebhookDelivery::State::Pending) {
            lane.read_at(result.due_at);
            wake = true;
        }
    }
    if (wake) wakeup_.notify();
}

awaitable<void> Dispatcher::Impl::stop(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    wakeup_.notify();
    while ((under_way_ > 0 || recording_) && std::chrono::steady_clock::now() < until) {
        co_await runtime::sleep_for(Milliseconds(5));
    }
}

Dispatcher::Dispatcher(runtime::Loop& loop, store::Store& store, WebhookSender& sender,
                       const Clock& clock, DispatcherOptions options, telemetry::Metrics& metrics)
    : impl_(std::make_shared<Impl>(loop, store, sender, clock, options, metrics)) {}

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
    return impl_->run();
}

awaitable<void> Dispatcher::stop(std::chrono::milliseconds deadline) {
    return impl_->stop(deadline);
}

}  // namespace florin::gateway
