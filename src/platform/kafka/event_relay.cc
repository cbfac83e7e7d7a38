#include "platform/kafka/event_relay.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

namespace florin::kafka {

using broker::Relayed;

namespace {

Relayed::Kind kind_of(Delivery::Kind delivery, bool alone) {
    switch (delivery) {
        case Delivery::Kind::Done:
            return Relayed::Kind::Done;
        case Delivery::Kind::TooLarge:
            return Relayed::Kind::Poison;
        case Delivery::Kind::Refused:
            return alone ? Relayed::Kind::Failed : Relayed::Kind::Later;
        case Delivery::Kind::Away:
            break;
    }
    return Relayed::Kind::Later;
}

}  // namespace

Record record_of(const broker::Message& message, const EventRelayOptions& options) {
    Record record{options.topics.topic_of(message.topic),
                  message.key,
                  message.payload,
                  {{"id", message.event_id.text()}},
                  message.at};
    if (options.event_id_header) record.headers.push_back({"eventId", message.event_id.text()});
    return record;
}

/// The messages of one call and what has become of them.
class EventRelay::Page {
public:
    Page(std::vector<broker::Message> messages, const EventRelayOptions& options)
        : messages_(std::move(messages)),
          options_(options),
          // Until Kafka has said otherwise.
          results_(messages_.size(), {Relayed::Kind::Later, "NotSent", "it waits for others"}) {}

    [[nodiscard]] std::vector<std::size_t> all() const {
        std::vector<std::size_t> items(messages_.size());
        for (std::size_t i = 0; i < items.size(); ++i) items[i] = i;
        return items;
    }
    /// Without those that must not overtake one that failed.
    [[nodiscard]] std::vector<std::size_t> free(const std::vector<std::size_t>& items) const {
        std::vector<std::size_t> chosen;
        std::ranges::copy_if(items, std::back_inserter(chosen), [this](std::size_t item) {
            return held_back_.empty() || !held_back_.contains(place_of(item));
        });
        return chosen;
    }
    [[nodiscard]] std::vector<Record> records(const std::vector<std::size_t>& items) const {
        std::vector<Record> records;
        records.reserve(items.size());
        for (const std::size_t item : items)
            records.push_back(record_of(messages_[item], options_));
        return records;
    }
    void settle(std::size_t item, Relayed::Kind kind, Delivery delivery) {
        results_[item] = {kind, std::move(delivery.error_type), std::move(delivery.error_message)};
        if (kind == Relayed::Kind::Failed) held_back_.insert(place_of(item));
    }
    std::vector<Relayed> take() { return std::move(results_); }

private:
    /// Where order counts.
    [[nodiscard]] std::pair<std::string, std::string> place_of(std::size_t item) const {
        return {options_.topics.topic_of(messages_[item].topic), messages_[item].key};
    }

    const std::vector<broker::Message> messages_;
    const EventRelayOptions& options_;
    std::vector<Relayed> results_;
    std::set<std::pair<std::string, std::string>> held_back_;
};

awaitable<std::vector<Relayed>> EventRelay::relay(std::vector<broker::Message> messages) {
    Page page(std::move(messages), options_);
    co_await carry(page, page.all());
    co_return page.take();
}

// A broker refuses whole batches, and what comes after them ends with the session. Halves, in their
// order, find who is to blame in a few rounds.
awaitable<bool> EventRelay::carry(Page& page, std::vector<std::size_t> items) {
    items = page.free(items);
    if (items.empty()) co_return true;
    auto deliveries = co_await producer_.send(page.records(items));
    const bool refused =
        std::ranges::find(deliveries, Delivery::Kind::Refused, &Delivery::kind) != deliveries.end();
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const auto kind = kind_of(deliveries[i].kind, items.size() == 1);
        if (kind == Relayed::Kind::Later) left.push_back(items[i]);
        page.settle(items[i], kind, std::move(deliveries[i]));
    }
    const bool all = left.empty();
    if (!refused) co_return all;
    if (all) co_return true;  // one alone, and it is to blame
    const auto middle = left.begin() + static_cast<std::ptrdiff_t>((left.size() + 1) / 2);
    if (!co_await carry(page, {left.begin(), middle})) co_return false;
    co_return co_await carry(page, {middle, left.end()});
}

}  // namespace florin::kafka
