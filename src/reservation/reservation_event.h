#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace florin::reservation {

/// What has happened to a reservation's payment, or to its hold.
struct ReservationEvent {
    enum class Kind : std::uint8_t {
        Approved,   // paid: confirm it and sell its seats
        Failed,     // not paid: cancel it and give its seats back
        Cancelled,  // the payment was called off: as `Failed`, for another reason
        Expired     // nobody paid in time: give its seats back and let it expire
    };
    Kind kind = Kind::Approved;
    std::string type;  // as metrics and logs name it: "payment.approved"
    std::string reservation_id;
    std::string payment_intent_id;  // may be empty
    std::string event_id;           // of the inventory: the concert, not this message; may be empty
    std::vector<std::string> seat_ids;
    std::int32_t quantity = 0;
    std::string user_id;
    std::string trace_id;

    /// The same for every message that tells the same: what duplicates are known by, and what the
    /// services get as idempotency key.
    [[nodiscard]] std::string key() const;
};

/// Under which the worker reads the log, and its dead letters are found.
inline constexpr std::string_view worker_group = "reservation-worker";
/// The topic of dead letters that came from a queue and not from the log.
inline constexpr std::string_view queue_topic = "sqs";

/// Why a message can never be handled.
struct Unusable {
    std::string error_type;  // "MalformedMessage", "UnknownEventType"
    std::string error_message;
};

/// Reads the body of a queue's message: EventBridge's envelope around a payment's outcome, or the
/// flat event ("type", "detail"). `trace_id` is the message's attribute; when it is not empty it
/// wins over the body's, whose envelope wins over its detail.
std::expected<ReservationEvent, Unusable> parse_event(std::string_view body,
                                                      std::string_view trace_id);

/// Reads a payment's outcome as our own log tells it: a CloudEvent around the payment.
std::expected<ReservationEvent, Unusable> parse_outcome(std::string_view payload);

}  // namespace florin::reservation
