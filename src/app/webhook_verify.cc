#include <expected>
#include <fstream>
#include <iostream>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/setting_values.h"
#include "app/tools.h"
#include "gateway/webhooks/signature.h"
#include "platform/base/ascii.h"
#include "platform/base/time_text.h"

namespace florin::app {
namespace {

constexpr const char* default_secret = "payment-sim-dev-secret";
constexpr std::size_t hex_signature_bytes = std::string_view("sha256=").size() + 64;

/// What is wrong, for people; empty when nothing is.
using Complaint = std::string;

std::expected<std::string, Complaint> read_body(const std::string& file_name) {
    if (file_name.empty() || file_name == "-")
        return std::string(std::istreambuf_iterator<char>(std::cin), {});
    std::ifstream file(file_name, std::ios::binary);
    if (!file) return std::unexpected(fmt::format("the file {} cannot be read", file_name));
    return std::string(std::istreambuf_iterator<char>(file), {});
}

std::expected<std::int64_t, Complaint> header_timestamp(const std::string& text) {
    const auto seconds = parse_number(trimmed(text), 0, INT64_MAX);
    if (seconds) return static_cast<std::int64_t>(*seconds);
    return std::unexpected(fmt::format(
        "--timestamp is \"{}\"; webhook-timestamp is a whole number of Unix seconds", text));
}

std::expected<std::int64_t, Complaint> body_timestamp(const std::string& body) {
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (malformed) return std::unexpected("the body is not JSON: " + malformed.message());
    const auto* object = parsed.if_object();
    const auto* timestamp = object != nullptr ? object->if_contains("timestamp") : nullptr;
    if (timestamp == nullptr || !timestamp->is_int64())
        return std::unexpected("the body has no whole number of Unix seconds under \"timestamp\"");
    return timestamp->as_int64();
}

/// Calls `right` with each reading of the body that receivers mistake for the raw one, and tells of
/// the one that was signed.
template <class Right>
Complaint mistaken_body(const std::string& body, const Right& right) {
    std::string without_break = body;
    while (without_break.ends_with('\n') || without_break.ends_with('\r')) without_break.pop_back();
    if (without_break != body && right(without_break)) {
        return "the signature is that of the body without its last line break: hash the raw bytes "
               "as they arrived";
    }
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (!malformed && right(boost::json::serialize(parsed))) {
        return "the signature is that of the compact JSON: hash the raw bytes, not a re-encoded "
               "body";
    }
    return "";
}

Complaint check_plain(const VerifyOptions& options, const std::string& signature,
                      const std::string& body) {
    const auto right = [&](const std::string& read) {
        return gateway::verify_webhook_signature(options.secret, read, signature);
    };
    if (right(body)) return "";
    if (signature.size() != hex_signature_bytes) {
        return fmt::format("\"sha256=\" is followed by {} characters, and a signature has 64",
                           signature.size() + 64 - hex_signature_bytes);
    }
    if (auto mistaken = mistaken_body(body, right); !mistaken.empty()) return mistaken;
    if (gateway::verify_webhook_signature(default_secret, body, signature)) {
        return fmt::format("the signature was made with the default secret {}, not with yours",
                           default_secret);
    }
    return "the signature does not belong to this body and secret";
}

Complaint check_standard(const VerifyOptions& options, const std::string& signatures,
                         const std::string& body) {
    if (options.id.empty() || options.timestamp.empty()) {
        return "webhook-signature covers the headers webhook-id and webhook-timestamp too: give "
               "them with --id and --timestamp";
    }
    const auto stamped = header_timestamp(options.timestamp);
    if (!stamped) return stamped.error();
    if (!(" " + signatures).contains(" v1,"))
        return "webhook-signature has no signature of version v1, the only one that uses a secret";
    const auto verified = [&](const std::string& secret, const std::string& read) {
        return gateway::verify_standard_webhook_signature(secret, options.id, *stamped, read,
                                                          signatures);
    };
    const auto right = [&](const std::string& read) { return verified(options.secret, read); };
    if (right(body)) return "";
    if (auto mistaken = mistaken_body(body, right); !mistaken.empty()) return mistaken;
    if (verified(default_secret, body)) {
        return fmt::format("the signature was made with the default secret {}, not with yours",
                           default_secret);
    }
    return "none of the signatures in webhook-signature belongs to this id, timestamp, body and "
           "secret";
}

/// A list is Standard Webhooks' own when one of its signatures is of a version "v…".
bool is_standard(std::string_view signature) {
    return signature.starts_with('v') && signature.find(',') != std::string_view::npos;
}

Complaint check_signature(const VerifyOptions& options, const std::string& body) {
    if (options.secret.empty())
        return "the secret is empty: give the one the sender signs with (--secret, WEBHOOK_SECRET)";
    const std::string signature(trimmed(options.signature));
    if (signature.starts_with("sha256=")) return check_plain(options, signature, body);
    if (is_standard(signature)) return check_standard(options, signature, body);
    return fmt::format(
        "\"{}\" begins neither with \"sha256=\" (X-Webhook-Signature) nor with \"v1,\" "
        "(webhook-signature)",
        signature);
}

Complaint check_age(std::int64_t stamped, Instant now) {
    if (gateway::fresh_webhook_timestamp(stamped, now)) return "";
    // Unsigned, where the difference of any two fits.
    const auto from = static_cast<std::uint64_t>(stamped);
    const auto to = static_cast<std::uint64_t>(unix_seconds(now));
    const bool past = stamped < unix_seconds(now);
    return fmt::format(
        "STALE: {} is {} s {} the receiver's clock ({}); 300 s are allowed either way. If the "
        "webhook arrived at another moment, give it with --at; else set that clock right",
        stamped, past ? to - from : from - to, past ? "before" : "ahead of", time_text(now));
}

}  // namespace

int run_webhook_verify(const VerifyOptions& options) {
    const auto body = read_body(options.body_file);
    if (!body) {
        fmt::print(stderr, "florin: {}\n", body.error());
        return 1;
    }
    const Complaint wrong = check_signature(options, *body);
    fmt::print("signature  {}\n", wrong.empty() ? "ok" : "WRONG: " + wrong);
    // Of the time that the signature covers: another could be replaced without breaking it.
    const auto stamped = is_standard(trimmed(options.signature)) && !options.timestamp.empty()
                             ? header_timestamp(options.timestamp)
                             : body_timestamp(*body);
    if (!stamped) {
        fmt::print("timestamp  MISSING: {}\n", stamped.error());
        return 1;
    }
    const Instant now = options.at_s ? Instant(Seconds(*options.at_s)) : SystemClock().now();
    const Complaint age = check_age(*stamped, now);
    fmt::print("timestamp  {}\n",
               !age.empty() ? age
                            : fmt::format("ok: {} s {}", std::abs(unix_seconds(now) - *stamped),
                                          *stamped <= unix_seconds(now) ? "old" : "ahead"));
    return wrong.empty() && age.empty() ? 0 : 1;
}

}  // namespace florin::app
