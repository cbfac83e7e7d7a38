#include "platform/http/response_writer.h"

#include <algorithm>
#include <array>

#include <fmt/chrono.h>

#include "platform/base/ascii.h"
#include "platform/http/gzip.h"

namespace florin::http {
namespace {

constexpr std::size_t gzip_from_bytes = 1'024;
constexpr unsigned no_content = 204;
constexpr unsigned not_modified = 304;

bool servers_business(std::string_view name) {
    constexpr std::array<std::string_view, 5> names = {"Content-Length", "Connection",
                                                       "Transfer-Encoding", "Date", "Keep-Alive"};
    return std::ranges::any_of(names, [&](auto own) { return equal_ignoring_case(name, own); });
}

/// A value that came from outside must not end its line and begin a field of its own.
bool safe(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void ResponseWriter::write(std::string& out, Response& response, const ResponseFraming& framing) {
    out.assign("HTTP/1.1 ");
    out.append(std::to_string(response.status)).append(" ").append(reason_of(response.status));
    out.append("\r\n");
    add_field(out, "Date", date());
    if (!response.content_type.empty() && safe(response.content_type))
        add_field(out, "Content-Type", response.content_type);
    for (const auto& [name, value] : response.headers) {
        const bool ours = servers_business(name) || (!framing.trace_id.empty() &&
                                                     equal_ignoring_case(name, "X-Correlation-ID"));
        if (!ours && safe(name) && safe(value)) add_field(out, name, value);
    }
    if (!framing.trace_id.empty()) add_field(out, "X-Correlation-ID", framing.trace_id);

    const bool bodiless =
        response.status < 200 || response.status == no_content || response.status == not_modified;
    if (!bodiless && response.body.size() > gzip_from_bytes &&
        is_compressible(response.content_type) &&
        response.headers.get("Content-Encoding").empty()) {
        add_field(out, "Vary", "Accept-Encoding");
        if (framing.gzip) {
            response.body = gzip(response.body);
            add_field(out, "Content-Encoding", "gzip");
        }
    }
    if (!bodiless) add_field(out, "Content-Length", std::to_string(response.body.size()));
    if (!framing.keep_alive) {
        add_field(out, "Connection", "close");
    } else if (framing.version == 10) {
        add_field(out, "Connection", "keep-alive");
    }
    out.append("\r\n");
    if (bodiless || framing.head) response.body.clear();
}

std::string_view ResponseWriter::date() {
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (now != dated_) {
        dated_ = now;
        date_ = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
    }
    return date_;
}

}  // namespace florin::http
