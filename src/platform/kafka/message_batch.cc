#include "platform/kafka/message_batch.h"

#include <algorithm>
#include <chrono>

#include "platform/base/faults.h"
#include "platform/base/fixed_clock.h"
#include "platform/base/utf8.h"
#include "platform/broker/consumer_batch.h"
#include "platform/kafka/handled_events.h"

namespace florin::kafka {
namespace {

using broker::Handled;

constexpr std::size_t name_bytes_max = 255;  // of keys and types, in every store
constexpr std::size_t text_bytes_max = 16'000'000;

/// As text that every store takes.
std::string storable(std::string_view bytes, std::size_t bytes_max) {
    std::string text;
    while (!bytes.empty()) {
        const bool ascii = static_cast<unsigned char>(bytes.front()) < 0x80;
        const std::size_t length = ascii ? 1 : utf8_length(bytes);
        const auto next = length == 0 ? utf8_replacement : bytes.substr(0, length);
        if (text.size() + next.size() > bytes_max) break;
        text += next;
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return text;
}

broker::Message storable(const broker::Message& message) {
    return {message.position,
            message.event_id,
            storable(message.topic, name_bytes_max),
            storable(message.key, name_bytes_max),
            storable(message.payload, text_bytes_max),
            message.at};
}

Handled handle(store::Transaction& tx, broker::Consumer& consumer, const broker::Message& message,
               std::size_t place) {
    try {
        return consumer.handle(tx, message);
    } catch (const Unavailable&) {
        throw;
    } catch (const std::exception& fault) {
        throw broker::MessageFault(static_cast<std::int64_t>(place), fault.what());
    }
}

// A record may come without a time; that is no old one.
bool older(const broker::Message& message, const std::optional<Instant>& than) {
    return than && message.at > Instant() && message.at < *than;
}

Settled settle(store::Transaction& tx, broker::Consumer& consumer, const IncomingMessage& incoming,
               const BatchOptions& options, std::size_t place) {
    const broker::Message& message = incoming.message;
    if (older(message, options.handled_before) ||
        !handled_events::add(tx, consumer.group(), message.event_id, options.now))
        return {Settled::Kind::Again, {}};
    Handled handled = incoming.poison ? *incoming.poison : handle(tx, consumer, message, place);
    switch (handled.kind) {
        case Handled::Kind::Done:
            return {Settled::Kind::Done, {}};
        case Handled::Kind::Refused:
            return {Settled::Kind::Refused, std::move(handled)};
        case Handled::Kind::Poison:
            break;
    }
    handled_events::remove(tx, consumer.group(), message.event_id);
    return {Settled::Kind::Poison, std::move(handled)};
}

}  // namespace

std::vector<Settled> apply(store::Transaction& tx, broker::Consumer& consumer,
                           std::span<const IncomingMessage* const> messages,
                           const BatchOptions& options) {
    const auto until = std::chrono::steady_clock::now() + options.time_max;
    const auto topics = consumer.topics();
    std::vector<Settled> results;
    for (const IncomingMessage* incoming : messages) {
        if (!results.empty() && std::chrono::steady_clock::now() >= until) break;
        const bool ours = incoming->poison.has_value() ||
                          std::ranges::find(topics, incoming->message.topic) != topics.end();
        results.push_back(ours ? settle(tx, consumer, *incoming, options, results.size())
                               : Settled{Settled::Kind::NotOurs, {}});
    }
    return results;
}

std::size_t bury(store::Transaction& tx, std::string_view group,
                 std::span<const FailedMessage> messages, Instant now, std::uint64_t id_seed) {
    const FixedClock clock(now);
    UuidGenerator ids(clock, id_seed);
    std::size_t buried = 0;
    for (const auto& [message, why, attempts] : messages) {
        const Uuid id = ids.next();
        if (!handled_events::add(tx, group, message.event_id, now)) continue;
        broker::dead_letters::insert(tx, {id, std::string(group), storable(message),
                                          storable(why.error_type, name_bytes_max),
                                          storable(why.error_message, text_bytes_max), attempts,
                                          broker::DeadLetter::State::Waiting, now, now});
        ++buried;
    }
    return buried;
}

}  // namespace florin::kafka
