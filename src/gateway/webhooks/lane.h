#pragma once

#include <deque>
#include <optional>
#include <set>

#include "gateway/webhooks/delivery_results.h"

namespace florin::gateway {

/// The deliveries of one receiver that are in memory. The store holds them all; a lane holds the
/// next ones and remembers which, so that reading the store again never takes up a delivery twice.
/// Pure state: belongs to the dispatcher's loop.
class Lane {
public:
    /// Takes a due delivery up; false when the lane is full, and the store has to be read later.
    bool take_up(WebhookDelivery delivery, std::size_t queue_max);
    /// Takes up what a reading found. `limit` is what the reading was limited to.
    void take_up(LaneContent content, int limit, std::size_t queue_max);
    /// A delivery is due later: the store is to be read then.
    void read_at(Instant due);

    /// The next delivery to send, if another attempt may start.
    std::optional<WebhookDelivery> start_next(std::size_t concurrency_max);
    /// An attempt ended. Its delivery stays known until its result is stored.
    void attempt_ended(bool delivered);
    void result_stored(const Uuid& id);

    /// Whether the store should be read now; the reading is then under way until `take_up`.
    bool begin_reading(Instant now);
    void reading_failed(Instant retry_at);

    [[nodiscard]] std::optional<Instant> wakes_at() const {
        return reading_ ? std::nullopt : read_at_;
    }
    [[nodiscard]] std::size_t queued() const { return ready_.size(); }
    [[nodiscard]] std::size_t known() const { return known_.size(); }
    [[nodiscard]] bool idle() const {
        return known_.empty() && !more_in_store_ && !reading_ && !read_at_;
    }
    [[nodiscard]] bool failing() const { return failures_in_a_row_ >= failing_from; }

private:
    static constexpr int failing_from = 10;

    std::deque<WebhookDelivery> ready_;
    std::set<Uuid> known_;                 // queued, under way, or with a result not yet stored
    std::set<Uuid> stored_while_reading_;  // the reading may still show them as pending
    std::size_t under_way_ = 0;
    bool more_in_store_ = false;
    bool reading_ = false;
    std::optional<Instant> read_at_;
    int failures_in_a_row_ = 0;
};

}  // namespace florin::gateway
