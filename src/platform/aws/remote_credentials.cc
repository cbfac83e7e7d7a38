#include "platform/aws/remote_credentials.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "platform/aws/signature.h"
#include "platform/base/ascii.h"
#include "platform/http/client.h"

namespace asio = boost::asio;
namespace json = boost::json;

namespace florin::aws {
namespace {

constexpr Milliseconds sts_deadline{10'000};
// The endpoint is on this machine or its host: it answers at once, or is not there.
constexpr Milliseconds local_deadline{2'000};
constexpr std::size_t answer_text_max = 200;

std::string encoded(std::string_view value) {
    std::string text;
    for (const char c : value) {
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        text += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return text;
}

std::optional<Instant> parse_time(const std::string& text) {
    int year = 0;
    unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2u", &year, &month, &day, &hour, &minute,
                    &second) != 6)
        return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                           std::chrono::day(day)};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           Seconds(second);
}

std::expected<std::string, std::string> read_token(const std::string& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!stream) return std::unexpected(fmt::format("the token file {} cannot be read", file));
    return std::string(trimmed(text.str()));
}

/// What stands between the first `<name>` and its end.
std::string element(std::string_view xml, const std::string& name) {
    const auto begin = xml.find("<" + name + ">");
    if (begin == std::string_view::npos) return "";
    const auto from = begin + name.size() + 2;
    const auto end = xml.find("</" + name + ">", from);
    return end == std::string_view::npos ? "" : std::string(xml.substr(from, end - from));
}

CredentialsAnswer checked(Credentials credentials, const std::string& expiration,
                          std::string_view who) {
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty())
        return std::unexpected(fmt::format("{} answered without credentials", who));
    credentials.expires_at = parse_time(expiration);
    if (!credentials.expires_at)
        return std::unexpected(fmt::format("{} answered with an Expiration that is no time", who));
    return credentials;
}

using Answer = std::expected<std::string, std::string>;

/// The body of an answer from `where`, when it is a good one.
Answer body_of(const std::expected<http::ClientResponse, http::ClientError>& answer,
               const std::string& where) {
    if (!answer) return std::unexpected(answer.error().text);
    if (answer->status == 200) return answer->body;
    const std::string code = element(answer->body, "Code");
    const std::string message = element(answer->body, "Message");
    return std::unexpected(fmt::format("{} answered {}{}{}", where, answer->status,
                                       code.empty() ? "" : " " + code,
                                       message.empty() ? "" : ": " + message)
                               .substr(0, answer_text_max));
}

awaitable<Answer> fetch(http::Client& client, http::ClientRequest request) {
    const std::string where = request.url.origin();
    co_return body_of(co_await client.send(std::move(request)), where);
}

std::expected<http::ClientRequest, std::string> request_to(std::string method,
                                                           const std::string& url,
                                                           Milliseconds deadline) {
    auto parsed = http::parse_url(url);
    if (!parsed) return std::unexpected(fmt::format("the address {} {}", url, parsed.error()));
    return http::ClientRequest{.method = std::move(method),
                               .url = std::move(*parsed),
                               .headers = {},
                               .body = "",
                               .deadline = deadline};
}

std::string role_form(const char* action, const RoleRequest& role) {
    return fmt::format("Action={}&Version=2011-06-15&RoleArn={}&RoleSessionName={}", action,
                       encoded(role.role_arn), encoded(role.session_name));
}

void sign(http::ClientRequest& request, const RoleRequest& role, const Credentials& credentials,
          Instant now) {
    http::Headers headers{{"Host", request.url.authority()},
                          {"Content-Type", "application/x-www-form-urlencoded"},
                          {"X-Amz-Date", amz_date(now)}};
    if (!credentials.session_token.empty())
        headers.add("X-Amz-Security-Token", credentials.session_token);
    const std::string proof = authorization({"POST", request.url.target, headers, request.body},
                                            credentials, {role.region, "sts"}, now);
    for (const auto& [name, value] : headers) {
        if (name != "Host") request.headers.add(name, value);
    }
    request.headers.add("Authorization", proof);
}

bool may_be_plain(const std::string& host) {
    if (host == "localhost") return true;
    boost::system::error_code is_name;
    const auto address = asio::ip::make_address(host, is_name);
    if (is_name) return false;
    constexpr std::array<const char*, 3> services = {"169.254.170.2", "169.254.170.23",
                                                     "fd00:ec2::23"};
    return address.is_loopback() || std::ranges::any_of(services, [&](const char* service) {
               return address == asio::ip::make_address(service);
           });
}

}  // namespace

CredentialsAnswer read_sts_answer(std::string_view xml) {
    return checked({.access_key_id = element(xml, "AccessKeyId"),
                    .secret_access_key = element(xml, "SecretAccessKey"),
                    .session_token = element(xml, "SessionToken")},
                   element(xml, "Expiration"), "STS");
}

CredentialsAnswer read_json_answer(std::string_view text) {
    boost::system::error_code malformed;
    const json::value answer = json::parse(text, malformed);
    if (malformed || !answer.is_object())
        return std::unexpected("the credentials endpoint answered with something that is not JSON");
    const auto member = [&](const char* name) {
        const json::value* found = answer.get_object().if_contains(name);
        return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                      : std::string();
    };
    return checked({.access_key_id = member("AccessKeyId"),
                    .secret_access_key = member("SecretAccessKey"),
                    .session_token = member("Token")},
                   member("Expiration"), "the credentials endpoint");
}

awaitable<CredentialsAnswer> assume_role_with_web_identity(http::Client& client, RoleRequest role,
                                                           std::string token_file) {
    const auto token = read_token(token_file);
    if (!token) co_return std::unexpected(token.error());
    auto request = request_to("POST", role.sts_endpoint, sts_deadline);
    if (!request) co_return std::unexpected(request.error());
    request->headers.add("Content-Type", "application/x-www-form-urlencoded");
    request->body =
        role_form("AssumeRoleWithWebIdentity", role) + "&WebIdentityToken=" + encoded(*token);
    const auto answer = co_await fetch(client, std::move(*request));
    if (!answer) co_return std::unexpected(answer.error());
    co_return read_sts_answer(*answer);
}

awaitable<CredentialsAnswer> assume_role(http::Client& client, RoleRequest role, Credentials base,
                                         ServiceClock& clock) {
    auto request = request_to("POST", role.sts_endpoint, sts_deadline);
    if (!request) co_return std::unexpected(request.error());
    request->body = role_form("AssumeRole", role);
    if (!role.external_id.empty()) request->body += "&ExternalId=" + encoded(role.external_id);
    for (bool corrected = false;;) {
        const Instant now = clock.now();
        http::ClientRequest attempt = *request;
        sign(attempt, role, base, now);
        const auto answer = co_await client.send(std::move(attempt));
        const bool refused = answer && answer->status != 200;
        if (refused && !corrected && clock.corrects(answer->headers.get("Date"), now)) {
            corrected = true;
            continue;
        }
        const auto body = body_of(answer, request->url.origin());
        if (!body) co_return std::unexpected(body.error());
        co_return read_sts_answer(*body);
    }
}

awaitable<CredentialsAnswer> container_credentials(http::Client& client,
                                                   ContainerEndpoint endpoint) {
    auto request = request_to("GET", endpoint.uri, local_deadline);
    if (!request) co_return std::unexpected(request.error());
    if (!request->url.tls && !may_be_plain(request->url.host)) {
        co_return std::unexpected(fmt::format(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI names {}: over plain HTTP only this machine and "
            "the container services are asked for credentials",
            request->url.host));
    }
    if (!endpoint.token_file.empty()) {
        auto token = read_token(endpoint.token_file);
        if (!token) co_return std::unexpected(token.error());
        endpoint.token = std::move(*token);
    }
    if (!endpoint.token.empty()) request->headers.add("Authorization", endpoint.token);
    const auto answer = co_await fetch(client, std::move(*request));
    if (!answer) co_return std::unexpected(answer.error());
    co_return read_json_answer(*answer);
}

awaitable<CredentialsAnswer> instance_credentials(http::Client& client, std::string endpoint) {
    const std::string roles = endpoint + "/latest/meta-data/iam/security-credentials/";
    auto ask_token = request_to("PUT", endpoint + "/latest/api/token", local_deadline);
    if (!ask_token) co_return std::unexpected(ask_token.error());
    ask_token->headers.add("X-aws-ec2-metadata-token-ttl-seconds", "300");
    const auto token = co_await fetch(client, std::move(*ask_token));
    if (!token) co_return std::unexpected(token.error());
    auto ask_role = *request_to("GET", roles, local_deadline);
    ask_role.headers.add("X-aws-ec2-metadata-token", *token);
    const auto role = co_await fetch(client, std::move(ask_role));
    if (!role) co_return std::unexpected(role.error());
    auto ask = request_to("GET", roles + std::string(trimmed(*role)), local_deadline);
    if (!ask) co_return std::unexpected(ask.error());
    ask->headers.add("X-aws-ec2-metadata-token", *token);
    const auto answer = co_await fetch(client, std::move(*ask));
    if (!answer) co_return std::unexpected(answer.error());
    co_return read_json_answer(*answer);
}

}  // namespace florin::aws
