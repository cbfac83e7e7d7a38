#include "payments/requests.h"

#include <algorithm>
#include <charconv>
#include <string>

#include <boost/json.hpp>

#include "platform/base/ascii.h"
#include "platform/base/time_text.h"
#include "platform/base/utf8.h"
#include "platform/base/whole_number.h"
#include "platform/http/list_query.h"
#include "platform/http/message.h"

namespace florin::payments {
namespace {

namespace json = boost::json;

constexpr std::size_t merchant_characters_max = 32;
constexpr std::size_t key_characters_max = 64;
constexpr std::size_t reason_characters_max = 128;
constexpr std::size_t scratch_bytes = 4'096;  // a usual body is parsed without the heap

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

/// What is wrong with a text, or nothing.
std::string complaint_about(std::string_view given, std::size_t characters_max) {
    if (!is_utf8(given)) return "is not UTF-8";
    if (has_control_characters(given)) return "has control characters";
    const std::size_t characters = characters_in(given);
    if (characters <= characters_max) return {};
    return "has " + std::to_string(characters) + " characters; at most " +
           std::to_string(characters_max);
}

/// The fields of one JSON body, each asked for by name; collects what is wrong with them.
class Fields {
public:
    explicit Fields(const http::Request& request)
        : scratch_(buffer_, sizeof buffer_), body_(nullptr, &scratch_) {
        json::error_code failed;
        json::parse_options options;
        options.max_depth = 16;
        body_ = json::parse(request.body, failed, &scratch_, options);
        if (failed) {
            complain("", "the body is not JSON: " + failed.message());
        } else if (!body_.is_object()) {
            complain("", "the body is not a JSON object");
        } else {
            object_ = &body_.get_object();
        }
    }

    [[nodiscard]] bool has(const char* name) const { return find(name) != nullptr; }
    [[nodiscard]] bool readable() const { return object_ != nullptr; }
    std::vector<FieldComplaint>& complaints() { return complaints_; }

    void complain(std::string field, std::string message) {
        complaints_.push_back({std::move(field), std::move(message)});
    }

    /// A text of at most so many characters; absent, null and blank count as empty.
    std::string text(const char* name, std::size_t characters_max, bool required) {
        const json::value* const value = find(name);
        if (value == nullptr) {
            if (required) complain(name, "is missing");
            return {};
        }
        if (!value->is_string()) {
            complain(name, "must be a text");
            return {};
        }
        const json::string& found = value->get_string();
        const std::string_view given(found.data(), found.size());
        if (is_blank(given)) {
            if (required) complain(name, "must not be blank");
            return {};
        }
        check_text(name, given, characters_max);
        return std::string(given);
    }

    void check_text(const char* name, std::string_view given, std::size_t characters_max) {
        if (auto wrong = complaint_about(given, characters_max); !wrong.empty())
            complain(name, std::move(wrong));
    }

    /// A whole number from 1, as a JSON number or as decimal text.
    std::optional<std::int64_t> amount(const char* name, bool required) {
        const json::value* const value = find(name);
        if (value == nullptr) {
            if (required) complain(name, "is missing");
            return std::nullopt;
        }
        const auto number = whole_number(*value);
        if (!number) {
            complain(name, "must be a whole number of minor units up to 9223372036854775807, not " +
                               json::serialize(*value).substr(0, 64));
            return std::nullopt;
        }
        if (*number < 1) {
            complain(name, "must be at least 1, not " + std::to_string(*number));
            return std::nullopt;
        }
        return number;
    }

    Currency currency(const char* name) {
        const std::size_t complaints_before = complaints_.size();
        const std::string code = text(name, std::string::npos, true);
        if (complaints_.size() > complaints_before) return Currency::krw();
        const auto parsed = Currency::parse(code);
        if (!parsed)
            complain(name, "must be an ISO 4217 code such as KRW, not " + code.substr(0, 40));
        return parsed.value_or(Currency::krw());
    }

private:
    const json::value* find(const char* name) const {
        const json::value* const value = object_->if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    static std::optional<std::int64_t> whole_number(const json::value& value) {
        if (value.is_int64()) return value.get_int64();
        if (value.is_double()) return exactly_whole(value.get_double());
        if (!value.is_string()) return std::nullopt;
        const json::string& text = value.get_string();
        std::int64_t number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
        return number;
    }

    unsigned char buffer_[scratch_bytes];
    json::monotonic_resource scratch_;
    json::value body_;
    const json::object* object_ = nullptr;
    std::vector<FieldComplaint> complaints_;
};

/// The key, from the header or the body; a client that sends two must mean one. A blank one is
/// refused: its client lost what keeps a second try from paying twice.
std::string read_key(Fields& fields, const http::Request& request, bool required) {
    const std::string_view header = request.headers.get("Idempotency-Key");
    std::string key = fields.text("idempotencyKey", key_characters_max,
                                  fields.has("idempotencyKey") || (required && header.empty()));
    if (header.empty()) return key;
    if (!key.empty() && key != header) {
        fields.complain("idempotencyKey", "differs from the Idempotency-Key header; send one");
    } else if (is_blank(header)) {
        fields.complain("Idempotency-Key", "must not be blank");
    } else {
        fields.check_text("Idempotency-Key", header, key_characters_max);
    }
    return std::string(header);
}

/// Reads the instant of a query parameter, if it is there.
std::optional<Instant> instant_parameter(const http::Request& request, const char* name,
                                         std::vector<FieldComplaint>& complaints) {
    const auto given = request.query_value(name);
    if (!given || given->empty()) return std::nullopt;
    // Who forgets to encode the plus of an offset sends a space.
    std::string text(*given);
    std::ranges::replace(text, ' ', '+');
    const auto parsed = parse_instant(text);
    if (!parsed) {
        complaints.push_back({name, "must be a time such as 2026-11-21T09:00:00Z or a date, not " +
                                        std::string(given->substr(0, 40))});
    }
    return parsed;
}

std::string merchant_parameter(const http::Request& request,
                               std::vector<FieldComplaint>& complaints) {
    const std::string_view given = request.query_value("merchantId").value_or("");
    if (is_blank(given)) {
        complaints.push_back({"merchantId", "is missing"});
    } else if (auto wrong = complaint_about(given, merchant_characters_max); !wrong.empty()) {
        complaints.push_back({"merchantId", std::move(wrong)});
    }
    return std::string(given);
}

}  // namespace

Parsed<AuthorizePayment> parse_authorize(const http::Request& request) {
    Fields fields(request);
    if (!fields.readable()) return std::unexpected(std::move(fields.complaints()));
    AuthorizePayment parsed;
    parsed.merchant = fields.text("merchantId", merchant_characters_max, true);
    parsed.amount = fields.amount("amount", true).value_or(0);
    parsed.currency = fields.currency("currency");
    parsed.key = read_key(fields, request, true);
    parsed.trace_id = request.trace_id;
    if (!fields.complaints().empty()) return std::unexpected(std::move(fields.complaints()));
    std::string asked(parsed.currency.code());
    asked += std::to_string(parsed.amount);
    parsed.claim = make_key(parsed.merchant, Operation::Authorize, parsed.key, asked);
    return parsed;
}

Parsed<ChangePayment> parse_change(Operation operation, const http::Request& request,
                                   const Uuid& payment) {
    Fields fields(request);
    if (!fields.readable()) return std::unexpected(std::move(fields.complaints()));
    ChangePayment parsed;
    parsed.operation = operation;
    parsed.payment = payment;
    parsed.merchant = fields.text("merchantId", merchant_characters_max, true);
    if (operation != Operation::Void) parsed.amount = fields.amount("amount", false);
    if (operation != Operation::Capture)
        parsed.reason =
            fields.text("reason", reason_characters_max, operation == Operation::Refund);
    const std::string key = read_key(fields, request, false);
    parsed.trace_id = request.trace_id;
    if (!fields.complaints().empty()) return std::unexpected(std::move(fields.complaints()));
    std::string asked(payment.view());
    asked += parsed.amount ? std::to_string(*parsed.amount) : "all";
    asked += '\0';
    asked += parsed.reason;
    parsed.claim = make_key(parsed.merchant, operation, key, asked);
    return parsed;
}

Parsed<std::string> parse_merchant(const http::Request& request) {
    std::vector<FieldComplaint> complaints;
    std::string merchant = merchant_parameter(request, complaints);
    if (!complaints.empty()) return std::unexpected(std::move(complaints));
    return merchant;
}

Parsed<PaymentFilter> parse_list(const http::Request& request) {
    std::vector<FieldComplaint> complaints;
    PaymentFilter filter;
    filter.merchant = merchant_parameter(request, complaints);
    if (const auto status = request.query_value("status")) {
        filter.state = state_named(*status);
        if (!filter.state)
            complaints.push_back({"status", "must be a payment status such as CAPTURED, not " +
                                                std::string(status->substr(0, 40))});
    }
    filter.from = instant_parameter(request, "from", complaints);
    filter.until = instant_parameter(request, "to", complaints);
    if (const auto cursor = request.query_value("cursor")) {
        filter.after = store::parse_bucket_cursor(*cursor);
        if (!filter.after)
            complaints.push_back({"cursor", "must be the nextCursor of an earlier page"});
    }
    if (const auto limit = http::limit_of(request)) {
        filter.limit = *limit;
    } else {
        complaints.push_back({"limit", "must be a number from 1 to 100"});
    }
    if (!complaints.empty()) return std::unexpected(std::move(complaints));
    return filter;
}

}  // namespace florin::payments
