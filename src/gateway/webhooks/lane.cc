#include "gateway/webhooks/lane.h"

#include <algorithm>
#include <utility>

namespace florin::gateway {
namespace {

// An offer of a delivery that is still known: it was sent again by hand before its last result came
// back, and the store is read once that has surely happened.
constexpr Microseconds look_again_after = Seconds(1);
constexpr std::size_t early_max = 4'096;

}  // namespace

Lane::~Lane() {
    gauges_.queued -= static_cast<std::int64_t>(ready_.size());
    gauges_.under_way -= static_cast<std::int64_t>(under_way_);
    if (failing()) --gauges_.failing;
}

void Lane::enqueue(WebhookDelivery delivery, Source source) {
    if (known_.contains(delivery.id)) return;
    if (ready_.size() >= limits_.queue_max) {
        more_in_store_ = true;
        return;
    }
    known_.emplace(delivery.id, source);
    ready_.push_back(std::move(delivery));
    ++gauges_.queued;
}

void Lane::offer(WebhookDelivery delivery, Instant now) {
    if (delivery.attempts == 0 && early_.contains(delivery.id)) return;
    if (known_.contains(delivery.id)) {
        read_at(now + look_again_after);
    } else if (reading_) {
        // Behind what the reading brings, which may be older than this delivery.
        if (offered_while_reading_.size() < limits_.queue_max) {
            offered_while_reading_.push_back(std::move(delivery));
        } else {
            missed_while_reading_ = true;
        }
    } else if (!more_in_store_) {
        enqueue(std::move(delivery), Source::Offer);
    }
}

void Lane::read_at(Instant due) {
    read_at_ = read_at_ ? std::min(*read_at_, due) : due;
}

void Lane::forget_waiting() {
    for (const auto& delivery : ready_) known_.erase(delivery.id);
    gauges_.queued -= static_cast<std::int64_t>(ready_.size());
    ready_.clear();
    offered_while_reading_.clear();
    missed_while_reading_ = false;
    more_in_store_ = false;
    read_at_.reset();
}

std::optional<WebhookDelivery> Lane::start_next() {
    // One attempt at a time asks a failing receiver whether it is back; more would only burn
    // attempts.
    if (ready_.empty() || under_way_ >= (failing() ? 1 : limits_.concurrency_max))
        return std::nullopt;
    WebhookDelivery next = std::move(ready_.front());
    ready_.pop_front();
    ++under_way_;
    ++gauges_.under_way;
    --gauges_.queued;
    return next;
}

void Lane::attempt_ended(bool delivered) {
    const bool failed_before = failing();
    --under_way_;
    --gauges_.under_way;
    failures_in_a_row_ = delivered ? 0 : std::min(failures_in_a_row_ + 1, failing_from);
    if (failing() != failed_before) gauges_.failing += failing() ? 1 : -1;
}

void Lane::result_stored(const Uuid& id) {
    const auto known = known_.find(id);
    if (known == known_.end()) return;
    if (known->second == Source::Store) remember_early(id);
    known_.erase(known);
    if (reading_) stored_while_reading_.insert(id);
}

void Lane::remember_early(const Uuid& id) {
    if (!early_.insert(id).second) return;
    early_order_.push_back(id);
    if (early_order_.size() <= early_max) return;
    early_.erase(early_order_.front());
    early_order_.pop_front();
}

bool Lane::begin_reading(Instant now) {
    const bool due = read_at_ && *read_at_ <= now;
    const bool room = more_in_store_ && ready_.size() <= limits_.queue_max / 4;
    if (reading_ || (!due && !room)) return false;
    reading_ = true;
    // Known deliveries are still pending in the store: the reading has to reach past them.
    reading_limit_ = static_cast<int>(limits_.queue_max + known_.size());
    if (due) read_at_.reset();
    return true;
}

void Lane::reading_ended(LaneContent content) {
    reading_ = false;
    more_in_store_ = std::exchange(missed_while_reading_, false) ||
                     static_cast<int>(content.due.size()) >= reading_limit_;
    for (auto& delivery : content.due) {
        if (!stored_while_reading_.contains(delivery.id))
            enqueue(std::move(delivery), Source::Store);
    }
    for (auto& delivery : offered_while_reading_) enqueue(std::move(delivery), Source::Offer);
    offered_while_reading_.clear();
    stored_while_reading_.clear();
    if (content.next_due) read_at(*content.next_due);
}

void Lane::reading_failed(Instant retry_at) {
    reading_ended({});
    read_at(retry_at);
}

}  // namespace florin::gateway
