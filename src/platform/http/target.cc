#include "platform/http/target.h"

#include <cstdint>
#include <optional>

namespace florin::http {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum class Part : std::uint8_t { Path, Query };

std::expected<std::string, std::string> decode(std::string_view text, Part part) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && part == Part::Query) {
            out.push_back(' ');
        } else if (text[i] == '%') {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return std::unexpected("the address has a malformed percent escape");
            if (high == 0 && low == 0) return std::unexpected("the address holds a NUL");
            const char decoded = static_cast<char>(high * 16 + low);
            if (part == Part::Path && (decoded == '/' || decoded == '%')) {
                out.append(decoded == '/' ? "%2F" : "%25");
            } else {
                out.push_back(decoded);
            }
            i += 2;
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

bool has_dot_segment(std::string_view path) {
    while (!path.empty()) {
        path.remove_prefix(1);
        const auto segment = path.substr(0, path.find('/'));
        if (segment == "." || segment == "..") return true;
        path.remove_prefix(segment.size());
    }
    return false;
}

/// Clients of proxies send the whole URL, and servers must take it (RFC 9112, 3.2.2).
std::optional<std::string_view> local_part(std::string_view target) {
    if (target.starts_with('/')) return target;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        const auto path = target.find_first_of("/?", scheme.size());
        if (path == std::string_view::npos) return "/";
        if (target[path] == '/') return target.substr(path);
    }
    return std::nullopt;
}

std::expected<void, std::string> read_query(std::string_view query, Request& request) {
    constexpr std::size_t parameters_max = 100;
    while (!query.empty()) {
        const auto pair = query.substr(0, query.find('&'));
        query.remove_prefix(pair.size() < query.size() ? pair.size() + 1 : pair.size());
        if (pair.empty()) continue;
        if (request.query.size() == parameters_max)
            return std::unexpected("the address has too many parameters");
        const auto equals = pair.find('=');
        auto key = decode(pair.substr(0, equals), Part::Query);
        auto value =
            decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1),
                   Part::Query);
        if (!key) return std::unexpected(key.error());
        if (!value) return std::unexpected(value.error());
        request.query.emplace_back(std::move(*key), std::move(*value));
    }
    return {};
}

}  // namespace

std::expected<void, std::string> read_target(std::string_view target, Request& request) {
    if (target == "*" && request.method == "OPTIONS") {
        request.path = "*";
        return {};
    }
    const auto local = local_part(target);
    if (!local) return std::unexpected("the address must begin with a slash");
    target = *local;
    const auto question = target.find('?');
    auto path = decode(target.substr(0, question), Part::Path);
    if (!path) return std::unexpected(path.error());
    if (has_dot_segment(*path)) return std::unexpected("the address must not hold dot segments");
    request.path = std::move(*path);
    return question == std::string_view::npos ? std::expected<void, std::string>{}
                                              : read_query(target.substr(question + 1), request);
}

}  // namespace florin::http
