#include <algorithm>
#include <set>

#include "platform/base/faults.h"
#include "platform/http/server.h"
#include "platform/telemetry/log.h"

namespace florin::http {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto end = std::min(path.find('/'), path.size());
        segments.emplace_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

bool is_parameter(const std::string& segment) {
    return segment.starts_with('{');
}

/// How many literal segments agree, or nothing when the pattern does not fit.
std::optional<int> fit(const std::vector<std::string>& pattern,
                       const std::vector<std::string>& path) {
    if (pattern.size() != path.size()) return std::nullopt;
    int literals = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (is_parameter(pattern[i])) {
            if (path[i].empty()) return std::nullopt;
        } else if (pattern[i] == path[i]) {
            ++literals;
        } else {
            return std::nullopt;
        }
    }
    return literals;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
    auto segments = segments_of(pattern);
    routes_.push_back(
        {std::move(method), std::move(pattern), std::move(segments), std::move(handler)});
}

void Router::set_fallback(Handler handler) {
    fallback_ = std::move(handler);
}

const Router::Route* Router::find(std::string_view method,
                                  const std::vector<std::string>& path) const {
    const Route* best = nullptr;
    int best_fit = -1;
    for (const auto& route : routes_) {
        if (route.method != method) continue;
        const auto literals = fit(route.segments, path);
        if (literals && *literals > best_fit) {
            best = &route;
            best_fit = *literals;
        }
    }
    return best;
}

std::string Router::allowed_methods(const std::vector<std::string>& path) const {
    std::set<std::string> methods;
    for (const auto& route : routes_) {
        if (fit(route.segments, path)) methods.insert(route.method);
    }
    if (methods.empty()) return {};
    if (methods.contains("GET")) methods.insert("HEAD");
    methods.insert("OPTIONS");
    std::string text;
    for (const auto& method : methods) text += (text.empty() ? "" : ", ") + method;
    return text;
}

awaitable<Response> Router::serve(Request request, std::string& route_name) const {
    const auto path = segments_of(request.path);
    const std::string_view method =
        request.method == "HEAD" ? std::string_view("GET") : request.method;
    if (const Route* route = find(method, path)) {
        route_name = route->pattern;
        for (std::size_t i = 0; i < path.size(); ++i) {
            const auto& segment = route->segments[i];
            if (is_parameter(segment))
                request.path_parameters.emplace_back(segment.substr(1, segment.size() - 2),
                                                     path[i]);
        }
        co_return co_await route->handler(std::move(request));
    }
    route_name = "none";
    const std::string allowed = allowed_methods(path);
    if (!allowed.empty()) {
        Response response =
            request.method == "OPTIONS"
                ? Response{.status = 204, .content_type = "", .body = "", .headers = {}}
                : problem(
                      405, "method_not_allowed",
                      request.path + " does not take " + request.method + "; it takes " + allowed,
                      request.trace_id);
        response.headers.add("Allow", allowed);
        co_return response;
    }
    if (fallback_) co_return co_await fallback_(std::move(request));
    co_return problem(404, "not_found", "there is nothing at " + request.path, request.trace_id);
}

awaitable<Response> Router::serve(Request request) const {
    std::string route;
    co_return co_await serve(std::move(request), route);
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> all;
    for (const auto& route : routes_) all.push_back(route.method + " " + route.pattern);
    std::ranges::sort(all);
    return all;
}

}  // namespace florin::http
