#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "payments/requests.h"
#include "platform/base/require.h"
#include "platform/base/utf8.h"
#include "platform/http/message.h"
#include "platform/http/target.h"

namespace {

using florin::require;
namespace http = florin::http;
namespace payments = florin::payments;

/// The text before the next line's end, which it takes away.
std::string take_line(std::string_view& text) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

void check_merchant(const std::string& merchant) {
    require(!merchant.empty() && merchant.size() <= 32 * 4, "a merchant has a name of some length");
    require(florin::is_utf8(merchant), "a merchant's name is text");
    require(merchant.find_first_of(std::string_view("\0\n\r\x7F", 4)) == std::string::npos,
            "a merchant's name has no control characters");
}

void check_claim(const payments::IdempotencyKey& claim, bool required) {
    require(claim.digest.size() == 16 || (!required && claim.digest.empty()), "a key is digested");
}

void check_complaints(const std::vector<payments::FieldComplaint>& complaints) {
    require(!complaints.empty(), "a refusal has a reason");
    const auto body = boost::json::parse(payments::invalid_request_json(complaints));
    require(body.at("errors").as_array().size() == complaints.size(), "all complaints are told");
}

/// The identifier of the path that a router would have found.
florin::Uuid last_segment(std::string_view path) {
    return florin::parse_uuid(path.substr(path.rfind('/') + 1)).value_or(florin::Uuid{});
}

void check_authorize(const http::Request& request) {
    const auto parsed = payments::parse_authorize(request);
    if (!parsed) return check_complaints(parsed.error());
    check_merchant(parsed->merchant);
    check_claim(parsed->claim, true);
    require(parsed->amount >= 1, "an amount is positive");
    require(!parsed->key.empty() && parsed->key.size() <= 64 * 4, "an authorization has its key");
    require(payments::parse_authorize(request)->claim.fingerprint == parsed->claim.fingerprint,
            "the same request has the same fingerprint");
}

void check_change(payments::Operation operation, const http::Request& request) {
    const auto payment = last_segment(request.path);
    const auto parsed = payments::parse_change(operation, request, payment);
    if (!parsed) return check_complaints(parsed.error());
    check_merchant(parsed->merchant);
    check_claim(parsed->claim, false);
    require(!parsed->amount || *parsed->amount >= 1, "an amount is positive");
    require(operation != payments::Operation::Refund || !parsed->reason.empty(),
            "a refund has its reason");
    require(parsed->payment == payment, "the path names the payment");
}

void check_list(const http::Request& request) {
    const auto parsed = payments::parse_list(request);
    if (!parsed) return check_complaints(parsed.error());
    check_merchant(parsed->merchant);
    require(parsed->limit >= 1 && parsed->limit <= 100, "a page has its limit");
}

}  // namespace

/// A method and an address, a line with the Idempotency-Key header, and the body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    http::Request request;
    request.method = "POST";
    if (!http::read_target(take_line(rest), request)) return 0;
    if (std::string key = take_line(rest); !key.empty())
        request.headers.add("Idempotency-Key", std::move(key));
    request.body = rest;
    check_authorize(request);
    for (const auto operation :
         {payments::Operation::Capture, payments::Operation::Refund, payments::Operation::Void})
        check_change(operation, request);
    check_list(request);
    if (const auto merchant = payments::parse_merchant(request)) check_merchant(*merchant);
    return 0;
}
