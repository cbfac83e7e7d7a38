#include "settlement/daily_sales.h"

#include <iterator>
#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "payments/effects.h"
#include "platform/base/json_text.h"

namespace json = boost::json;

namespace florin::settlement {
namespace {

using broker::Handled;
using store::Sql;

constexpr std::string_view captured = "payment.captured";
constexpr std::string_view refunded = "payment.refunded";

#define CAPTURE_OF_A_DAY                                                                       \
    "INSERT INTO merchant_daily_sales (merchant_id, day, currency, captures, captured_amount," \
    " refunds, refunded_amount) VALUES (?,?,?,1,?,0,0)"
#define REFUND_OF_A_DAY                                                                        \
    "INSERT INTO merchant_daily_sales (merchant_id, day, currency, captures, captured_amount," \
    " refunds, refunded_amount) VALUES (?,?,?,0,0,1,?)"
constexpr Sql add_capture(
    CAPTURE_OF_A_DAY
    " ON CONFLICT (merchant_id, day, currency) DO UPDATE SET captures = captures + 1,"
    " captured_amount = captured_amount + excluded.captured_amount",
    CAPTURE_OF_A_DAY
    " ON DUPLICATE KEY UPDATE captures = captures + 1,"
    " captured_amount = captured_amount + VALUES(captured_amount)");
constexpr Sql add_refund(
    REFUND_OF_A_DAY
    " ON CONFLICT (merchant_id, day, currency) DO UPDATE SET refunds = refunds + 1,"
    " refunded_amount = refunded_amount + excluded.refunded_amount",
    REFUND_OF_A_DAY
    " ON DUPLICATE KEY UPDATE refunds = refunds + 1,"
    " refunded_amount = refunded_amount + VALUES(refunded_amount)");
#undef CAPTURE_OF_A_DAY
#undef REFUND_OF_A_DAY
constexpr Sql select_days(
    "SELECT day, currency, captures, captured_amount, refunds, refunded_amount"
    " FROM merchant_daily_sales WHERE merchant_id = ? AND day BETWEEN ? AND ?"
    " ORDER BY day DESC, currency LIMIT ?");

/// What an event says of the movement; nothing when it is not the event of a payment.
struct Moved {
    std::string merchant;
    std::string currency;
    std::int64_t amount = 0;
};

/// The gateway simulator refunds too, under the same name.
bool is_of_others(const json::value& event) {
    const auto* const source =
        event.is_object() ? event.get_object().if_contains("source") : nullptr;
    return source != nullptr && source->is_string() &&
           source->get_string() != payments::event_source;
}

std::optional<Moved> moved_by(const json::value& event) {
    if (!event.is_object()) return std::nullopt;
    const auto* const data = event.get_object().if_contains("data");
    if (data == nullptr || !data->is_object()) return std::nullopt;
    const auto& fields = data->get_object();
    const auto* const merchant = fields.if_contains("merchantId");
    const auto* const currency = fields.if_contains("currency");
    const auto* const amount = fields.if_contains("amount");
    if (merchant == nullptr || !merchant->is_string() || currency == nullptr ||
        !currency->is_string() || amount == nullptr || !amount->is_int64()) {
        return std::nullopt;
    }
    return Moved{std::string(merchant->get_string()), std::string(currency->get_string()),
                 amount->get_int64()};
}

}  // namespace

std::vector<std::string> DailySalesConsumer::topics() const {
    return {std::string(captured), std::string(refunded)};
}

Handled DailySalesConsumer::handle(store::Transaction& tx, const broker::Message& message) {
    boost::system::error_code malformed;
    const json::value event = json::parse(message.payload, malformed);
    if (!malformed && is_of_others(event)) return Handled::done();
    const auto moved = malformed ? std::nullopt : moved_by(event);
    if (!moved) {
        return Handled::poison("MalformedMessage",
                               "the event names no merchantId, currency and whole amount");
    }
    tx.execute(message.topic == captured ? add_capture : add_refund, moved->merchant,
               calendar_.day_of(message.at).number, moved->currency, moved->amount);
    return Handled::done();
}

std::vector<DailySales> list_daily_sales(store::Snapshot& snapshot,
                                         const DailySalesFilter& filter) {
    using Limits = std::numeric_limits<std::int32_t>;
    std::vector<DailySales> days;
    auto rows = snapshot.query(
        select_days, filter.merchant, filter.from ? filter.from->number : Limits::min(),
        filter.through ? filter.through->number : Limits::max(), filter.limit);
    while (rows.next()) {
        days.push_back({{static_cast<std::int32_t>(rows.integer(0))},
                        std::string(rows.text(1)),
                        {rows.integer(2), rows.integer(3)},
                        {rows.integer(4), rows.integer(5)}});
    }
    return days;
}

std::string daily_sales_json(std::string_view merchant, const std::vector<DailySales>& days) {
    std::string out = R"({"merchantId":)";
    append_json_string(out, merchant);
    out += R"(,"days":[)";
    for (const auto& sales : days) {
        if (&sales != &days.front()) out += ',';
        fmt::format_to(std::back_inserter(out),
                       R"({{"day":"{}","currency":"{}",)"
                       R"("captures":{{"count":{},"amount":{}}},)"
                       R"("refunds":{{"count":{},"amount":{}}},"net":{}}})",
                       text_of(sales.day), sales.currency, sales.captures.count,
                       sales.captures.amount, sales.refunds.count, sales.refunds.amount,
                       sales.captures.amount - sales.refunds.amount);
    }
    return out + "]}";
}

}  // namespace florin::settlement
