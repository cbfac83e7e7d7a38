#include "platform/http/message.h"

#include "platform/base/ascii.h"
#include "platform/base/json_text.h"

namespace florin::http {

std::string_view Headers::get(std::string_view name) const {
    for (const auto& [field, value] : fields_) {
        if (equal_ignoring_case(field, name)) return value;
    }
    return {};
}

std::optional<std::string_view> Request::query_value(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name && !value.empty()) return value;
    }
    return std::nullopt;
}

std::string_view Request::path_value(std::string_view name) const {
    for (const auto& [key, value] : path_parameters) {
        if (key == name) return value;
    }
    return {};
}

Response json(unsigned status, std::string body) {
    return {.status = status,
            .content_type = "application/json",
            .body = std::move(body),
            .headers = {}};
}

Response problem(unsigned status, std::string_view code, std::string_view detail,
                 std::string_view trace_id) {
    std::string body = R"({"type":"urn:florin:problem:)";
    body += code;
    body += R"(","title":)";
    append_json_string(body, reason_of(status));
    body += R"(,"status":)" + std::to_string(status) + R"(,"detail":)";
    append_json_string(body, detail);
    if (!trace_id.empty()) {
        body += R"(,"trace_id":)";
        append_json_string(body, trace_id);
    }
    body += '}';
    return {.status = status,
            .content_type = "application/problem+json",
            .body = std::move(body),
            .headers = {}};
}

std::string_view reason_of(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Status";
    }
}

}  // namespace florin::http
