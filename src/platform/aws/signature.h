#pragma once

#include <string>
#include <string_view>

#include "platform/aws/credentials.h"
#include "platform/base/time.h"
#include "platform/http/message.h"

/// Signature Version 4 of AWS, for requests whose body is at hand. Pure functions.
namespace florin::aws {

/// The request as it is sent. Every one of its headers is signed: Host and X-Amz-Date have to be
/// among them, and X-Amz-Security-Token when the credentials have a session token.
struct SignedParts {
    std::string_view method;
    std::string_view target;  // path and query, as on the wire
    const http::Headers& headers;
    std::string_view body;
};

struct SigningScope {
    std::string_view region;   // "ap-northeast-2"
    std::string_view service;  // "events"
};

/// "20150830T123600Z", the value of X-Amz-Date.
std::string amz_date(Instant at);

/// The value of the Authorization header; `at` is the time in X-Amz-Date.
std::string authorization(const SignedParts& request, const Credentials& credentials,
                          SigningScope scope, Instant at);

/// The steps of `authorization`, for its tests.
std::string canonical_request(const SignedParts& request);
std::string signing_key(std::string_view secret_access_key, SigningScope scope,
                        std::string_view date);

}  // namespace florin::aws
