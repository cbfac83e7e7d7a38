#include "reservation/dead_letter_relay.h"

#include <expected>
#include <utility>

#include "reservation/reservation_event.h"

namespace florin::reservation {
namespace {

using Kind = HandlerResult::Kind;
using broker::Relayed;

/// What a dead letter holds, wherever its message came from.
std::expected<ReservationEvent, Unusable> parse_message(const broker::Message& message) {
    return message.topic == queue_topic ? parse_event(message.payload, "")
                                        : parse_outcome(message.payload);
}

Relayed relayed(HandlerResult result) {
    const auto kind = result.kind == Kind::Done    ? Relayed::Kind::Done
                      : result.kind == Kind::Retry ? Relayed::Kind::Later
                                                   : Relayed::Kind::Poison;
    return {kind, std::move(result.error_type), std::move(result.error_message)};
}

}  // namespace

std::string_view DeadLetterRelay::group() const {
    return worker_group;
}

awaitable<std::vector<Relayed>> DeadLetterRelay::relay(std::vector<broker::Message> messages) {
    std::vector<Relayed> results;
    for (const auto& message : messages) {
        auto event = parse_message(message);
        if (!event) {
            results.push_back({Relayed::Kind::Poison, std::move(event.error().error_type),
                               std::move(event.error().error_message)});
            continue;
        }
        results.push_back(relayed(co_await processor_.process(std::move(*event), 1)));
    }
    co_return results;
}

}  // namespace florin::reservation
