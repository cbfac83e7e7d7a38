#include "app/admin_client.h"

#include <stdexcept>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace florin::app {
namespace {

constexpr std::size_t answer_bytes_max = 64 << 20;

http::ClientOptions client_options(const AdminServer& server) {
    http::ClientOptions options;
    options.response_body_bytes_max = answer_bytes_max;
    options.ca_file = server.ca_file;
    return options;
}

http::Url parse_base(const std::string& text) {
    auto url = http::parse_url(text);
    if (!url) {
        throw std::runtime_error(
            fmt::format("--url is \"{}\": {}; it takes http://host:port", text, url.error()));
    }
    if (url->target == "/") url->target.clear();
    return *std::move(url);
}

}  // namespace

std::string AdminAnswer::detail() const {
    boost::json::error_code malformed;
    const auto parsed = boost::json::parse(body, malformed);
    if (!malformed && parsed.is_object()) {
        if (const auto* text = parsed.as_object().if_contains("detail");
            text != nullptr && text->is_string()) {
            return std::string(text->as_string());
        }
    }
    return fmt::format("the server answered {}", status);
}

boost::json::object object_of(const AdminAnswer& answer) {
    if (!answer.ok()) throw std::runtime_error(answer.detail());
    boost::json::error_code malformed;
    auto parsed = boost::json::parse(answer.body, malformed);
    if (malformed || !parsed.is_object())
        throw std::runtime_error("what answers there is no server of this program");
    return std::move(parsed.as_object());
}

AdminClient::AdminClient(runtime::Loop& loop, const AdminServer& server)
    : server_(server), base_(parse_base(server.url)), client_(loop, client_options(server)) {}

awaitable<AdminAnswer> AdminClient::ask(std::string method, std::string target, std::string body) {
    http::ClientRequest request;
    request.method = std::move(method);
    request.url = base_;
    request.url.target += target;
    request.headers.add("Accept", "application/json");
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    if (!server_.token.empty()) request.headers.add("Authorization", "Bearer " + server_.token);
    auto answer = co_await client_.send(std::move(request));
    if (!answer) {
        throw std::runtime_error(fmt::format(
            "nothing answers at {} ({}); start it with `make run` or `florin serve`, or name "
            "another with --url",
            server_.url, answer.error().text));
    }
    AdminAnswer told{answer->status, std::move(answer->body)};
    if (told.status == 401 || told.status == 403)
        throw std::runtime_error(told.detail() + " (here: --admin-token or ADMIN_TOKEN)");
    co_return told;
}

std::string query_text(std::string_view value) {
    std::string encoded;
    for (const char c : value) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

}  // namespace florin::app
