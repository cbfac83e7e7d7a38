#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "gateway/webhooks/delivery_results.h"

namespace florin::gateway {

struct LaneLimits {
    std::size_t concurrency_max = 32;  // attempts under way at once
    std::size_t queue_max = 1'024;     // deliveries in memory that wait for their attempt
};

/// What all lanes hold together, for /metrics: written on the dispatcher's loop, read anywhere.
struct LaneGauges {
    std::atomic<std::int64_t> queued{0};
    std::atomic<std::int64_t> under_way{0};
    std::atomic<std::int64_t> failing{0};
};

/// The deliveries of one receiver that are in memory. The store holds them all; a lane holds the
/// next ones and remembers which, so that reading the store again never takes up a delivery twice.
/// Pure state: belongs to the dispatcher's loop.
class Lane {
public:
    /// `gauges` outlives the lane.
    Lane(LaneLimits limits, LaneGauges& gauges) : limits_(limits), gauges_(gauges) {}
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// A delivery that is due, and whose transaction has committed. When the lane is full it waits
    /// in the store, behind the others there.
    void offer(WebhookDelivery delivery, Instant now);
    /// A delivery is due later: the store is to be read then.
    void read_at(Instant due);
    /// What waits here is left to the store, and the store to others.
    void forget_waiting();

    /// The next delivery to send, if another attempt may start.
    std::optional<WebhookDelivery> start_next();
    /// An attempt ended. Its delivery stays known until its result is stored.
    void attempt_ended(bool delivered);
    void result_stored(const Uuid& id);

    /// Whether the store should be read now. The reading is then under way until it has ended or
    /// failed; it is to bring `reading_limit` deliveries at most.
    bool begin_reading(Instant now);
    [[nodiscard]] int reading_limit() const { return reading_limit_; }
    void reading_ended(LaneContent content);
    void reading_failed(Instant retry_at);

    [[nodiscard]] std::optional<Instant> wakes_at() const {
        return reading_ ? std::nullopt : read_at_;
    }
    [[nodiscard]] std::size_t queued() const { return ready_.size(); }
    /// Nothing of the lane is in memory: it may be forgotten, as long as `wakes_at` is not.
    [[nodiscard]] bool idle() const { return known_.empty() && !more_in_store_ && !reading_; }
    [[nodiscard]] bool failing() const { return failures_in_a_row_ >= failing_from; }

private:
    enum class Source : std::uint8_t { Offer, Store };
    static constexpr int failing_from = 10;

    void enqueue(WebhookDelivery delivery, Source source);
    void remember_early(const Uuid& id);

    const LaneLimits limits_;
    LaneGauges& gauges_;
    std::deque<WebhookDelivery> ready_;
    std::map<Uuid, Source> known_;  // queued, under way, or with a result not yet stored
    std::size_t under_way_ = 0;
    int failures_in_a_row_ = 0;

    bool more_in_store_ = false;
    bool reading_ = false;
    int reading_limit_ = 0;
    std::optional<Instant> read_at_;
    std::set<Uuid> stored_while_reading_;  // the reading may still show them as pending
    std::deque<WebhookDelivery> offered_while_reading_;
    bool missed_while_reading_ = false;  // more was offered than that holds

    // Deliveries that a reading found before they were offered, and that are finished already: the
    // offer may still be on its way, and would send them twice.
    std::deque<Uuid> early_order_;
    std::set<Uuid> early_;
};

}  // namespace florin::gateway
