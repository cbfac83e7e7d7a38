#include "reservation/reservation_event.h"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/json.hpp>

namespace json = boost::json;

namespace florin::reservation {
namespace {

using Kind = ReservationEvent::Kind;

constexpr std::string_view outcome_detail_type = "Payment Status Updated";
constexpr std::size_t seats_max = 1'000;

std::string text_of(const json::object& object, const char* name) {
    const json::value* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

std::string first_of(const json::object& object, std::initializer_list<const char*> names) {
    for (const char* name : names) {
        if (auto text = text_of(object, name); !text.empty()) return text;
    }
    return "";
}

std::unexpected<Unusable> malformed(std::string message) {
    return std::unexpected(Unusable{"MalformedMessage", std::move(message)});
}

struct KnownType {
    std::string_view type;
    Kind kind;
};
constexpr std::array<KnownType, 6> known_types = {{{"payment.approved", Kind::Approved},
                                                   {"payment.failed", Kind::Failed},
                                                   {"payment.cancelled", Kind::Cancelled},
                                                   {"payment.expired", Kind::Expired},
                                                   {"reservation.expired", Kind::Expired},
                                                   {"reservation.hold.expired", Kind::Expired}}};

/// The type that a payment's outcome has in flat events; empty for other statuses.
std::string type_of_status(std::string_view status) {
    constexpr std::string_view prefix = "PAYMENT_STATUS_";
    if (status.starts_with(prefix)) status.remove_prefix(prefix.size());
    if (status == "COMPLETED" || status == "APPROVED") return "payment.approved";
    if (status == "FAILED") return "payment.failed";
    if (status == "CANCELLED") return "payment.cancelled";
    if (status == "EXPIRED") return "payment.expired";
    return "";
}

std::expected<std::string, Unusable> type_of_outcome(const json::object& payment) {
    const std::string status = text_of(payment, "status");
    auto type = type_of_status(status);
    if (!type.empty()) return type;
    return std::unexpected(
        Unusable{"UnknownEventType",
                 "no reservation waits for a payment to become \"" + status.substr(0, 100) + '"'});
}

std::expected<std::string, Unusable> type_of(const json::object& body, const json::object& detail) {
    if (auto type = text_of(body, "type"); !type.empty()) return type;
    const std::string detail_type = text_of(body, "detail-type");
    if (detail_type != outcome_detail_type) {
        return std::unexpected(Unusable{"UnknownEventType",
                                        "neither \"type\" nor \"detail-type\" is one that this "
                                        "worker knows: \"" +
                                            detail_type.substr(0, 100) + '"'});
    }
    return type_of_outcome(detail);
}

std::expected<std::vector<std::string>, Unusable> seats_of(const json::object& detail) {
    std::vector<std::string> seats;
    const json::value* list = detail.if_contains("seat_ids");
    if (list == nullptr || list->is_null()) return seats;
    if (!list->is_array() || list->get_array().size() > seats_max)
        return malformed("\"seat_ids\" is not an array of at most 1000 texts");
    for (const auto& seat : list->get_array()) {
        if (!seat.is_string()) return malformed("\"seat_ids\" holds something that is no text");
        seats.emplace_back(seat.get_string());
    }
    return seats;
}

/// A trace id goes into headers: what could not stand there is none.
std::string safe_trace_id(std::string_view id) {
    const auto plain = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_' || c == '.' || c == ':';
    };
    return id.size() <= 128 && std::ranges::all_of(id, plain) ? std::string(id) : std::string();
}

std::int32_t quantity_of(const json::object& detail, std::size_t seats) {
    for (const char* name : {"qty", "quantity"}) {
        const json::value* found = detail.if_contains(name);
        if (found != nullptr && found->is_int64() && found->get_int64() > 0 &&
            found->get_int64() <= static_cast<std::int64_t>(seats_max))
            return static_cast<std::int32_t>(found->get_int64());
    }
    return static_cast<std::int32_t>(seats);
}

std::expected<ReservationEvent, Unusable> read(std::string type, const json::object& detail) {
    std::optional<Kind> kind;
    for (const auto& known : known_types) {
        if (known.type == type) kind = known.kind;
    }
    if (!kind) {
        return std::unexpected(
            Unusable{"UnknownEventType", "unknown event type: " + type.substr(0, 100)});
    }
    auto seats = seats_of(detail);
    if (!seats) return std::unexpected(seats.error());
    ReservationEvent event;
    event.kind = *kind;
    event.type = std::move(type);
    event.reservation_id = text_of(detail, "reservation_id");
    event.payment_intent_id = first_of(detail, {"payment_intent_id", "payment_id"});
    event.event_id = text_of(detail, "event_id");
    event.quantity = quantity_of(detail, seats->size());
    event.seat_ids = std::move(*seats);
    event.user_id = text_of(detail, "user_id");
    if (event.reservation_id.empty()) return malformed("\"reservation_id\" is missing or empty");
    return event;
}

}  // namespace

std::string ReservationEvent::key() const {
    return type + ':' + reservation_id + ':' + payment_intent_id;
}

std::expected<ReservationEvent, Unusable> parse_event(std::string_view body,
                                                      std::string_view trace_id) {
    boost::system::error_code error;
    const json::value parsed = json::parse(body, error);
    if (error || !parsed.is_object()) return malformed("the body is not a JSON object");
    const json::object& envelope = parsed.get_object();
    const json::value* detail = envelope.if_contains("detail");
    if (detail == nullptr || !detail->is_object()) return malformed("\"detail\" is no object");
    auto type = type_of(envelope, detail->get_object());
    if (!type) return std::unexpected(std::move(type.error()));
    auto event = read(std::move(*type), detail->get_object());
    if (event) {
        std::string id(trace_id);
        if (id.empty()) id = text_of(envelope, "trace_id");
        if (id.empty()) id = text_of(detail->get_object(), "trace_id");
        event->trace_id = safe_trace_id(id);
    }
    return event;
}

std::expected<ReservationEvent, Unusable> parse_outcome(std::string_view payload) {
    boost::system::error_code error;
    const json::value parsed = json::parse(payload, error);
    if (error || !parsed.is_object()) return malformed("the event is not a JSON object");
    const json::value* data = parsed.get_object().if_contains("data");
    if (data == nullptr || !data->is_object()) return malformed("\"data\" is no object");
    auto type = type_of_outcome(data->get_object());
    if (!type) return std::unexpected(std::move(type.error()));
    auto event = read(std::move(*type), data->get_object());
    if (event) event->trace_id = safe_trace_id(text_of(parsed.get_object(), "correlationid"));
    return event;
}

}  // namespace florin::reservation
