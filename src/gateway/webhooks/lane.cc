#include "gateway/webhooks/lane.h"

#include <algorithm>

namespace florin::gateway {

bool Lane::take_up(WebhookDelivery delivery, std::size_t queue_max) {
    // Behind what waits in the store: it was there first.
    if (ready_.size() >= queue_max || more_in_store_) {
        more_in_store_ = true;
        return false;
    }
    if (known_.insert(delivery.id).second) ready_.push_back(std::move(delivery));
    return true;
}

void Lane::take_up(LaneContent content, int limit, std::size_t queue_max) {
    reading_ = false;
    more_in_store_ = static_cast<int>(content.due.size()) == limit;
    for (auto& delivery : content.due) {
        if (stored_while_reading_.contains(delivery.id) || known_.contains(delivery.id)) continue;
        if (ready_.size() >= queue_max) {
            more_in_store_ = true;
            break;
        }
        known_.insert(delivery.id);
        ready_.push_back(std::move(delivery));
    }
    stored_while_reading_.clear();
    if (content.next_due) read_at(*content.next_due);
}

void Lane::read_at(Instant due) {
    read_at_ = read_at_ ? std::min(*read_at_, due) : due;
}

std::optional<WebhookDelivery> Lane::start_next(std::size_t concurrency_max) {
    // One attempt at a time asks a failing receiver whether it is back; more would only burn
    // attempts.
    if (ready_.empty() || under_way_ >= (failing() ? 1 : concurrency_max)) return std::nullopt;
    ++under_way_;
    WebhookDelivery next = std::move(ready_.front());
    ready_.pop_front();
    return next;
}

void Lane::attempt_ended(bool delivered) {
    --under_way_;
    failures_in_a_row_ = delivered ? 0 : failures_in_a_row_ + 1;
}

void Lane::result_stored(const Uuid& id) {
    known_.erase(id);
    if (reading_) stored_while_reading_.insert(id);
}

bool Lane::begin_reading(Instant now) {
    const bool due = read_at_ && *read_at_ <= now;
    const bool room = more_in_store_ && ready_.empty();
    if (reading_ || (!due && !room)) return false;
    reading_ = true;
    if (due) read_at_.reset();
    return true;
}

void Lane::reading_failed(Instant retry_at) {
    reading_ = false;
    stored_while_reading_.clear();
    read_at(retry_at);
}

}  // namespace florin::gateway
