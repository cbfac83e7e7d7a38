#include "platform/broker/relay_group.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "platform/broker/event_log.h"
#include "platform/broker/offsets.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::broker {
namespace {

// As for consumer groups: passing rows of other topics is not worth a write each time.
constexpr std::int64_t unstored_rows_max = 4'096;

}  // namespace

RelayGroup::RelayGroup(runtime::Loop& loop, store::Store& store, Relay& relay, const Clock& clock,
                       ConsumerOptions options, telemetry::Metrics& metrics)
    : store_(store),
      relay_(relay),
      clock_(clock),
      options_(options),
      group_(relay.group()),
      topics_(relay.topics()),
      ids_(clock, options.seed),
      runner_(
          loop, clock, group_, options, [this] { return step(); }, [this] { forget(); }),
      metrics_(metrics, group_),
      dead_letters_(metrics, group_),
      done_(metrics_.messages("done")),
      later_(metrics_.messages("later")),
      faults_(metrics_.messages("fault")),
      dead_(metrics_.messages("dead_letter")) {}

awaitable<RelayGroup::Step> RelayGroup::step() {
    try {
        if (!stored_offset_) co_await begin();
        // The log goes on while the other side is away: that is what the lag tells.
        if (page_.empty()) {
            co_await read_page();
        } else {
            backlog_ = co_await store_.read([after = *stored_offset_](store::Snapshot& snapshot) {
                return backlog_after(snapshot, after);
            });
        }
        metrics_.lag(backlog_.events, backlog_.oldest, clock_.now());
        if (!page_.empty()) co_await carry();
        const std::size_t before = page_.size();
        co_await commit();
        const bool at_end = page_.empty() && position_ >= backlog_.end;
        const auto passed = static_cast<std::int64_t>(before - page_.size());
        if (at_end) metrics_.no_lag();
        if (!at_end) metrics_.lag(backlog_.events - passed, backlog_.oldest, clock_.now());
        if (page_.empty()) co_return at_end ? Step::AtEnd : Step::Behind;
    } catch (const std::exception& fault) {
        report_later(fault.what());
    }
    co_return Step::Failed;
}

void RelayGroup::forget() {
    stored_offset_.reset();
    page_.clear();
    metrics_.no_lag();
    dead_letters_.forget();
}

awaitable<void> RelayGroup::begin() {
    stored_offset_ = co_await store_.write(
        [this](store::Transaction& tx) { return begin_at(tx, group_, options_.start); });
    position_ = *stored_offset_;
}

awaitable<void> RelayGroup::read_page() {
    const Instant now = clock_.now();
    const bool count = dead_letters_.due(now);
    std::int64_t waiting = 0;
    LogPage page = co_await store_.read([this, count, &waiting](store::Snapshot& snapshot) {
        if (count) waiting = dead_letters_.count(snapshot);
        backlog_ = backlog_after(snapshot, position_);
        LogRange range;
        range.after = position_;
        range.messages_max = options_.batch_messages_max;
        range.bytes_max = options_.batch_bytes_max;
        return read_log(snapshot, topics_, range);
    });
    if (count) dead_letters_.set(waiting, now);
    position_ = page.position;
    for (auto& message : page.messages) page_.push_back({std::move(message)});
}

awaitable<void> RelayGroup::carry() {
    std::vector<Item*> items;
    std::vector<Message> messages;
    for (auto& item : page_) {
        if (item.settled) continue;
        items.push_back(&item);
        messages.push_back(item.message);
    }
    auto results = co_await relay_.relay(std::move(messages));
    const auto later = std::ranges::find(results, Relayed::Kind::Later, &Relayed::kind);
    if (later != results.end()) report_later(later->error_message);
    for (std::size_t i = 0; i < items.size(); ++i) judge(*items[i], std::move(results.at(i)));
}

void RelayGroup::judge(Item& item, Relayed result) {
    switch (result.kind) {
        case Relayed::Kind::Done:
            done_.add();
            item.settled = true;
            return;
        case Relayed::Kind::Later:
            later_.add();
            return;
        case Relayed::Kind::Failed:
            faults_.add();
            ++item.attempts;
            if (item.attempts < options_.attempts_max) return;
            break;
        case Relayed::Kind::Poison:
            ++item.attempts;
            break;
    }
    item.settled = true;
    item.given_up = std::move(result);
}

awaitable<void> RelayGroup::commit() {
    const auto unsettled = std::ranges::find(page_, false, &Item::settled);
    const auto settled = static_cast<std::size_t>(unsettled - page_.begin());
    const bool all = unsettled == page_.end();
    // With nothing settled of a page there is nothing to tell; without one, only when it pays.
    if (settled == 0 && (!all || position_ - *stored_offset_ < unstored_rows_max)) co_return;
    const std::int64_t offset = all ? position_ : page_[settled - 1].message.position;
    const auto letters = dead_letters_among(settled);
    const bool moved = co_await store_.write([this, offset, &letters](store::Transaction& tx) {
        if (!move_offset(tx, group_, *stored_offset_, offset)) return false;
        for (const auto& letter : letters) dead_letters::insert(tx, letter);
        return true;
    });
    if (!moved) {
        forget();
        throw std::runtime_error(
            "another process has moved the group: it is read again from there");
    }
    stored_offset_ = offset;
    page_.erase(page_.begin(), unsettled);
    if (letters.empty()) co_return;
    dead_.add(static_cast<double>(letters.size()));
    dead_letters_.changed();
    for (const auto& letter : letters) {
        telemetry::warning("A message has become a dead letter",
                           {{"group", group_},
                            {"topic", letter.message.topic},
                            {"key", letter.message.key},
                            {"event_id", letter.message.event_id.text()},
                            {"attempts", letter.attempts},
                            {"error_type", letter.error_type},
                            {"error", letter.error_message}});
    }
}

std::vector<DeadLetter> RelayGroup::dead_letters_among(std::size_t first_items) {
    std::vector<DeadLetter> letters;
    const Instant now = clock_.now();
    for (std::size_t i = 0; i < first_items; ++i) {
        const Item& item = page_[i];
        if (!item.given_up) continue;
        letters.push_back({ids_.next(), group_, item.message, item.given_up->error_type,
                           item.given_up->error_message, item.attempts, DeadLetter::State::Waiting,
                           now, now});
    }
    return letters;
}

void RelayGroup::report_later(std::string_view error) {
    telemetry::warning("Messages cannot be carried on yet",
                       {{"group", group_},
                        {"after_position", stored_offset_.value_or(0)},
                        {"failures", runner_.failures() + 1},
                        {"reason", error}});
}

}  // namespace florin::broker
