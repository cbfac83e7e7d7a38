#include "platform/aws/client.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/aws/signature.h"
#include "platform/http/client.h"
#include "platform/runtime/loop.h"

namespace json = boost::json;

namespace florin::aws {
namespace {

// Keys that AWS does not know may have been replaced where they come from. As long as they have
// not, asking there at every call would be all that comes of it.
constexpr Microseconds disown_interval = Seconds(30);
constexpr std::size_t answer_text_max = 300;

constexpr std::array<std::string_view, 12> throttling = {"Throttling",
                                                         "ThrottlingException",
                                                         "ThrottledException",
                                                         "RequestThrottled",
                                                         "RequestThrottledException",
                                                         "TooManyRequestsException",
                                                         "RequestLimitExceeded",
                                                         "LimitExceededException",
                                                         "BandwidthLimitExceeded",
                                                         "SlowDown",
                                                         "PriorRequestNotComplete",
                                                         "KmsThrottled"};
constexpr std::array<std::string_view, 3> expired = {"ExpiredToken", "ExpiredTokenException",
                                                     "RequestExpired"};
constexpr std::array<std::string_view, 5> disowned = {
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
    "SignatureDoesNotMatch", "InvalidSignatureException"};
constexpr std::array<std::string_view, 13> denied = {"AccessDenied",
                                                     "AccessDeniedException",
                                                     "UnrecognizedClientException",
                                                     "InvalidClientTokenId",
                                                     "InvalidAccessKeyId",
                                                     "SignatureDoesNotMatch",
                                                     "InvalidSignatureException",
                                                     "IncompleteSignature",
                                                     "MissingAuthenticationToken",
                                                     "RequestTimeTooSkewed",
                                                     "NotAuthorized",
                                                     "OptInRequired",
                                                     "KmsAccessDenied"};

template <std::size_t size>
bool is_one_of(const std::array<std::string_view, size>& codes, std::string_view code) {
    return std::ranges::find(codes, code) != codes.end();
}

/// "QueueDoesNotExist" of "com.amazonaws.sqs#QueueDoesNotExist:http://…".
std::string bare_code(std::string_view code) {
    const auto hash = code.find('#');
    if (hash != std::string_view::npos) code.remove_prefix(hash + 1);
    return std::string(code.substr(0, code.find(':')));
}

struct ErrorText {
    std::string code;
    std::string message;
};

ErrorText read_error(const http::ClientResponse& answer) {
    ErrorText error{bare_code(answer.headers.get("x-amzn-ErrorType")), ""};
    boost::system::error_code malformed;
    const json::value body = json::parse(answer.body, malformed);
    if (malformed || !body.is_object()) {
        error.message = answer.body.substr(0, answer_text_max);
        return error;
    }
    const auto member = [&](const char* name) {
        const json::value* found = body.get_object().if_contains(name);
        return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                      : std::string();
    };
    for (const char* name : {"__type", "code", "Code"}) {
        if (error.code.empty()) error.code = bare_code(member(name));
    }
    for (const char* name : {"message", "Message"}) {
        if (error.message.empty()) error.message = member(name).substr(0, answer_text_max);
    }
    return error;
}

Failure::Kind kind_of(unsigned status, std::string_view code) {
    if (status == 429 || is_one_of(throttling, code)) return Failure::Kind::Throttled;
    if (status >= 500 || status == 408) return Failure::Kind::Unavailable;
    if (status == 401 || status == 403 || is_one_of(denied, code) || is_one_of(expired, code))
        return Failure::Kind::Denied;
    return Failure::Kind::Refused;
}

Failure failure_of(const Service& service, std::string_view operation,
                   const http::ClientResponse& answer) {
    const auto [code, message] = read_error(answer);
    return {kind_of(answer.status, code), code,
            fmt::format("{} {} answered {} {}: {}", service.name, operation, answer.status,
                        code.empty() ? "without a code" : code, message)};
}

http::Url parse_endpoint(const std::string& url) {
    auto parsed = http::parse_url(url);
    if (!parsed)
        throw std::runtime_error(fmt::format("the AWS endpoint {} {}", url, parsed.error()));
    return std::move(*parsed);
}

}  // namespace

std::string aws_endpoint(std::string_view service, std::string_view region) {
    const char* const suffix = region.starts_with("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    return fmt::format("https://{}.{}.{}/", service, region, suffix);
}

Client::Client(http::Client& http, CredentialSource& credentials, ServiceClock& clock,
               Service service, ClientOptions options, telemetry::Metrics& metrics)
    : http_(http),
      credentials_(credentials),
      clock_(clock),
      service_(service),
      options_(std::move(options)),
      url_(parse_endpoint(options_.endpoint_url.empty()
                              ? aws_endpoint(service.name, options_.region)
                              : options_.endpoint_url)),
      random_(options_.seed) {
    const auto counter = [&](const char* result) {
        return metrics.counter("florin_aws_calls_total",
                               "Calls to AWS, each attempt, by what came of them.",
                               {{"service", std::string(service.name)}, {"result", result}});
    };
    done_ = counter("done");
    throttled_ = counter("throttled");
    unavailable_ = counter("unavailable");
    denied_ = counter("denied");
    refused_ = counter("refused");
}

awaitable<Answer<std::string>> Client::call(std::string_view operation, std::string body,
                                            Milliseconds deadline) {
    for (int attempts = 1;; ++attempts) {
        auto [answer, mended] = co_await attempt(operation, body, deadline);
        count(answer);
        if (answer || attempts >= options_.attempts_max) co_return std::move(answer);
        if (mended) continue;
        const auto kind = answer.error().kind;
        if (kind == Failure::Kind::Denied || kind == Failure::Kind::Refused)
            co_return std::move(answer);
        co_await runtime::sleep_for(limits::backoff(options_.backoff, attempts, random_));
    }
}

awaitable<Client::Attempt> Client::attempt(std::string_view operation, const std::string& body,
                                           Milliseconds deadline) {
    const auto credentials = co_await credentials_.get();
    if (!credentials)
        co_return Attempt{std::unexpected(Failure{Failure::Kind::Denied, "", credentials.error()})};
    const Instant now = clock_.now();
    auto answer = co_await http_.send(signed_request(operation, body, *credentials, now, deadline));
    if (!answer)
        co_return Attempt{std::unexpected(
            Failure{Failure::Kind::Unavailable, "", std::move(answer.error().text)})};
    if (answer->status == 200) co_return Attempt{std::move(answer->body)};
    Failure failure = failure_of(service_, operation, *answer);
    const bool mended = mend(failure, *answer, now);
    co_return Attempt{std::unexpected(std::move(failure)), mended};
}

http::ClientRequest Client::signed_request(std::string_view operation, const std::string& body,
                                           const Credentials& credentials, Instant now,
                                           Milliseconds deadline) const {
    http::Headers headers{
        {"Content-Type", std::string(service_.content_type)},
        {"X-Amz-Date", amz_date(now)},
        {"X-Amz-Target", fmt::format("{}.{}", service_.target_prefix, operation)}};
    if (!credentials.session_token.empty())
        headers.add("X-Amz-Security-Token", credentials.session_token);
    http::Headers signed_headers = headers;  // the HTTP client adds Host by itself
    signed_headers.add("Host", url_.authority());
    headers.add("Authorization", authorization({"POST", url_.target, signed_headers, body},
                                               credentials, {options_.region, service_.name}, now));
    return {.method = "POST",
            .url = url_,
            .headers = std::move(headers),
            .body = body,
            .deadline = deadline};
}

bool Client::mend(const Failure& failure, const http::ClientResponse& answer, Instant signed_at) {
    if (failure.kind != Failure::Kind::Denied) return false;
    if (clock_.corrects(answer.headers.get("Date"), signed_at)) return true;
    if (is_one_of(expired, failure.code)) {
        credentials_.forget();
        return true;
    }
    const Instant now = clock_.now();
    if (is_one_of(disowned, failure.code) &&
        (!disowned_at_ || std::chrono::abs(now - *disowned_at_) >= disown_interval)) {
        disowned_at_ = now;
        credentials_.forget();
    }
    return false;
}

void Client::count(const Answer<std::string>& answer) {
    if (answer) {
        done_.add();
        return;
    }
    switch (answer.error().kind) {
        case Failure::Kind::Throttled:
            throttled_.add();
            return;
        case Failure::Kind::Unavailable:
            unavailable_.add();
            return;
        case Failure::Kind::Denied:
            denied_.add();
            return;
        case Failure::Kind::Refused:
            refused_.add();
            return;
    }
}

}  // namespace florin::aws
