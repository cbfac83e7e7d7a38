#include "platform/aws/signature.h"

#include <gtest/gtest.h>

#include "platform/crypto/hmac.h"

namespace florin::aws {
namespace {

// The credentials, time and scope of the test suite that AWS has published for Signature Version 4.
const Credentials suite_credentials{.access_key_id = "AKIDEXAMPLE",
                                    .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                    .session_token = ""};
constexpr Instant suite_time = instant_from_unix_us(1'440'938'160'000'000);
constexpr SigningScope suite_scope{"us-east-1", "service"};

http::Headers suite_headers(std::initializer_list<std::pair<std::string, std::string>> more = {}) {
    http::Headers headers{{"Host", "example.amazonaws.com"}, {"X-Amz-Date", "20150830T123600Z"}};
    for (const auto& [name, value] : more) headers.add(name, value);
    return headers;
}

std::string signature_of(std::string_view method, std::string_view target,
                         const http::Headers& headers, std::string_view body = "",
                         SigningScope scope = suite_scope) {
    const std::string text =
        authorization({method, target, headers, body}, suite_credentials, scope, suite_time);
    return text.substr(text.rfind('=') + 1);
}

TEST(Signature, TheDateIsInTheBasicFormatOfIso8601) {
    EXPECT_EQ(amz_date(suite_time), "20150830T123600Z");
    EXPECT_EQ(amz_date(instant_from_unix_us(1'767'225'599'999'999)), "20251231T235959Z");
}

TEST(Signature, TheSigningKeyIsThatOfThePublishedDerivation) {
    const auto key =
        signing_key(suite_credentials.secret_access_key, {"us-east-1", "iam"}, "20150830");
    EXPECT_EQ(crypto::hex({reinterpret_cast<const std::uint8_t*>(key.data()), key.size()}),
              "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

TEST(Signature, TheCanonicalRequestHasEveryPartInItsPlace) {
    const auto headers = suite_headers({{"My-Header1", "value2"}, {"my-header1", " value1 "}});
    EXPECT_EQ(canonical_request({"GET", "/?b=2&a=1&flag", headers, ""}),
              "GET\n/\na=1&b=2&flag=\nhost:example.amazonaws.com\nmy-header1:value2,value1\n"
              "x-amz-date:20150830T123600Z\n\nhost;my-header1;x-amz-date\n"
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Signature, TheAuthorizationNamesScopeAndSignedHeaders) {
    EXPECT_EQ(authorization({"GET", "/", suite_headers(), ""}, suite_credentials, suite_scope,
                            suite_time),
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
              "SignedHeaders=host;x-amz-date, "
              "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(Signature, RequestsOfThePublishedSuiteHaveThePublishedSignatures) {
    struct Case {
        const char* name;
        const char* method;
        const char* target;
        http::Headers headers;
        const char* body;
        const char* signature;
    };
    const std::string token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
        "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"
        "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
        "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    const std::vector<Case> cases = {
        {"post-vanilla", "POST", "/", suite_headers(), "",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1",
         suite_headers(), "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-header-value-trim", "GET", "/",
         suite_headers({{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}), "",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"get-header-key-duplicate", "GET", "/",
         suite_headers(
             {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
         "", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        {"get-unreserved", "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", suite_headers(), "",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
        {"get-utf8", "GET", "/\u1234", suite_headers(), "",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
        {"post-x-www-form-urlencoded", "POST", "/",
         suite_headers({{"Content-Type", "application/x-www-form-urlencoded"}}), "Param1=value1",
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        {"post-sts-header-before", "POST", "/", suite_headers({{"X-Amz-Security-Token", token}}),
         "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"}};
    for (const auto& [name, method, target, headers, body, signature] : cases) {
        SCOPED_TRACE(name);
        EXPECT_EQ(signature_of(method, target, headers, body), signature);
    }
}

TEST(Signature, TheExampleOfTheDocumentationIsSignedAsPrinted) {
    const http::Headers headers{
        {"Host", "iam.amazonaws.com"},
        {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
        {"X-Amz-Date", "20150830T123600Z"}};
    EXPECT_EQ(signature_of("GET", "/?Action=ListUsers&Version=2010-05-08", headers, "",
                           {"us-east-1", "iam"}),
              "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

}  // namespace
}  // namespace florin::aws
