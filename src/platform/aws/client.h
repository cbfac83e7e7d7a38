#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "platform/aws/credentials.h"
#include "platform/aws/service_clock.h"
#include "platform/base/random.h"
#include "platform/base/time.h"
#include "platform/http/url.h"
#include "platform/limits/backoff.h"
#include "platform/runtime/awaitable.h"
#include "platform/telemetry/metrics.h"

namespace florin::http {
class Client;
struct ClientRequest;
struct ClientResponse;
}  // namespace florin::http

namespace florin::aws {

/// Why a call did not do what it should.
struct Failure {
    enum class Kind : std::uint8_t {
        Throttled,    // too much: later, and slower
        Unavailable,  // no answer, or a fault of AWS; whether it took effect is unknown
        Denied,       // no credentials, wrong ones, or not allowed: an operator has to act
        Refused       // the request is wrong, and would be again
    };
    Kind kind = Kind::Unavailable;
    std::string code;  // "ThrottlingException"; empty when there was no answer
    std::string text;  // for people: names the service and what it said
};

template <class T>
using Answer = std::expected<T, Failure>;

/// A service that speaks one of AWS's JSON protocols.
struct Service {
    std::string_view name;           // of its endpoint and in signatures: "events"
    std::string_view target_prefix;  // "AWSEvents"
    std::string_view content_type;   // "application/x-amz-json-1.1"
};
inline constexpr Service event_bridge_service{"events", "AWSEvents", "application/x-amz-json-1.1"};
inline constexpr Service sqs_service{"sqs", "AmazonSQS", "application/x-amz-json-1.0"};

struct ClientOptions {
    std::string region = "ap-northeast-2";
    std::string endpoint_url;  // another endpoint, such as a local stand-in; empty: AWS's own
    int attempts_max = 3;
    limits::BackoffPolicy backoff{Milliseconds(100), Milliseconds(20'000)};
    std::uint64_t seed = 1;  // of jitter
};

/// Where AWS serves `service` in `region`.
std::string aws_endpoint(std::string_view service, std::string_view region);

/// Makes signed calls to one service. Throttled and unavailable ones are made again after a wait;
/// credentials that have expired are renewed, those that are not known are asked for again by later
/// calls, and a clock that is off by minutes is corrected by the service's. Counts
/// florin_aws_calls_total{service,result}. On one loop.
class Client {
public:
    /// The references outlive this object. Throws `std::runtime_error` that names the endpoint when
    /// that is no URL.
    Client(http::Client& http, CredentialSource& credentials, ServiceClock& clock, Service service,
           ClientOptions options, telemetry::Metrics& metrics);

    /// `operation` is of static lifetime ("PutEvents"), `body` JSON. `deadline` is for one attempt.
    awaitable<Answer<std::string>> call(std::string_view operation, std::string body,
                                        Milliseconds deadline);

    /// For people: "https://events.ap-northeast-2.amazonaws.com:443".
    [[nodiscard]] std::string endpoint() const { return url_.origin(); }

private:
    struct Attempt {
        Answer<std::string> answer;
        bool mended = false;  // what it failed for: another one is worth it at once
    };

    awaitable<Attempt> attempt(std::string_view operation, const std::string& body,
                               Milliseconds deadline);
    [[nodiscard]] http::ClientRequest signed_request(std::string_view operation,
                                                     const std::string& body,
                                                     const Credentials& credentials, Instant now,
                                                     Milliseconds deadline) const;
    /// Renews the credentials, or corrects the clock, when that is what the call failed for.
    bool mend(const Failure& failure, const http::ClientResponse& answer, Instant signed_at);
    void count(const Answer<std::string>& answer);

    http::Client& http_;
    CredentialSource& credentials_;
    ServiceClock& clock_;
    const Service service_;
    const ClientOptions options_;
    const http::Url url_;
    Random random_;
    std::optional<Instant> disowned_at_;  // when credentials were last forgotten as unknown

    telemetry::Counter done_;
    telemetry::Counter throttled_;
    telemetry::Counter unavailable_;
    telemetry::Counter denied_;
    telemetry::Counter refused_;
};

}  // namespace florin::aws
