#include "loadgen/flows_answer.h"

#include <charconv>
#include <functional>

#include <boost/json.hpp>

#include "platform/base/random.h"

namespace florin::loadgen {
namespace {

namespace json = boost::json;

constexpr std::size_t scratch_bytes = 8 * 1024;  // an answer is parsed without the heap

std::string_view text_in(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return {value->get_string().data(), value->get_string().size()};
}

std::optional<std::int64_t> number_in(const json::object& object, const char* name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_int64()) return std::nullopt;
    return value->get_int64();
}

std::uint64_t sum_of_entries(const json::array& entries) {
    std::uint64_t sum = 0;
    for (const auto& entry : entries) {
        if (!entry.is_object()) continue;
        const json::object& line = entry.get_object();
        const std::hash<std::string_view> hash;
        const auto amount = static_cast<std::uint64_t>(number_in(line, "amount").value_or(-1));
        const std::uint64_t accounts =
            Random::mix(hash(text_in(line, "debitAccount"))) + hash(text_in(line, "creditAccount"));
        sum += Random::mix(accounts + Random::mix(amount));
    }
    return sum;
}

std::optional<SeenPayment> payment_of(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::object& object = value.get_object();
    const auto id = parse_uuid(text_in(object, "paymentId"));
    const auto state = payments::state_named(text_in(object, "status"));
    const auto amount = number_in(object, "amount");
    const auto captured = number_in(object, "capturedAmount");
    const auto refunded = number_in(object, "refundedAmount");
    if (!id || !state || !amount || !captured || !refunded) return std::nullopt;
    SeenPayment seen{*id, *state, *amount, *captured, *refunded, 0};
    if (const auto* entries = object.if_contains("ledgerEntries"); entries && entries->is_array())
        seen.entries = sum_of_entries(entries->get_array());
    return seen;
}

/// Calls `use` with the value that the text is, if it is JSON.
template <class Use>
auto parsed(std::string_view text, Use use) -> decltype(use(std::declval<const json::value&>())) {
    unsigned char scratch[scratch_bytes];
    json::monotonic_resource memory(scratch, sizeof scratch);
    json::error_code malformed;
    const json::value value = json::parse({text.data(), text.size()}, malformed, &memory);
    if (malformed) return std::nullopt;
    return use(value);
}

std::optional<SeenPage> page_of(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::value* const payments = value.get_object().if_contains("payments");
    if (payments == nullptr || !payments->is_array()) return std::nullopt;
    SeenPage page;
    page.next = text_in(value.get_object(), "nextCursor");
    for (const auto& item : payments->get_array()) {
        const auto seen = payment_of(item);
        if (!seen) return std::nullopt;
        page.payments.push_back(*seen);
    }
    return page;
}

}  // namespace

std::optional<SeenPayment> parse_payment(std::string_view text) {
    return parsed(text, payment_of);
}

std::optional<SeenPage> parse_page(std::string_view text) {
    return parsed(text, page_of);
}

double counter_in(std::string_view metrics, std::string_view series) {
    while (!metrics.empty()) {
        const std::string_view line = metrics.substr(0, metrics.find('\n'));
        metrics.remove_prefix(std::min(metrics.size(), line.size() + 1));
        if (!line.starts_with(series) || line.size() <= series.size() || line[series.size()] != ' ')
            continue;
        double value = 0;
        std::from_chars(line.data() + series.size() + 1, line.data() + line.size(), value);
        return value;
    }
    return 0;
}

}  // namespace florin::loadgen
