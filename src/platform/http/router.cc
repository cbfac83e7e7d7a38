#include <algorithm>
#include <set>

#include "platform/base/require.h"
#include "platform/http/server.h"

namespace florin::http {
namespace {

/// The segments of a path that begins with a slash.
std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> segments;
    segments.reserve(8);
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto end = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

/// A segment with its slashes and percent signs, the last escapes of a path.
std::string decoded(std::string_view segment) {
    if (segment.find('%') == std::string_view::npos) return std::string(segment);
    std::string text;
    text.reserve(segment.size());
    while (!segment.empty()) {
        const bool slash = segment.starts_with("%2F");
        const bool escape = slash || segment.starts_with("%25");
        text += !escape ? segment.front() : slash ? '/' : '%';
        segment.remove_prefix(escape ? 3 : 1);
    }
    return text;
}

bool is_parameter(std::string_view segment) {
    return segment.starts_with('{');
}

std::string joined(const std::set<std::string>& methods) {
    std::string text;
    for (const auto& method : methods) text += (text.empty() ? "" : ", ") + method;
    return text;
}

}  // namespace

/// How many literal segments agree, or -1 when the pattern does not fit.
int Router::fit(const Route& route, Segments path) {
    if (route.segments.size() != path.size()) return -1;
    int literals = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const auto& expected = route.segments[i];
        if (is_parameter(expected)) {
            if (path[i].empty()) return -1;
        } else if (expected == path[i]) {
            ++literals;
        } else {
            return -1;
        }
    }
    return literals;
}

void Router::add(std::string method, std::string pattern, Handler handler) {
    require(pattern.starts_with('/'), "a route's pattern begins with a slash");
    const auto views = segments_of(pattern);
    std::vector<std::string> segments(views.begin(), views.end());
    routes_.push_back(
        {std::move(method), std::move(pattern), std::move(segments), std::move(handler)});
}

void Router::set_fallback(Handler handler) {
    fallback_ = std::move(handler);
}

/// The best fit of any route, whatever its method: it says which resource the path means.
int Router::best_fit(Segments path) const {
    int best = -1;
    for (const auto& route : routes_) best = std::max(best, fit(route, path));
    return best;
}

const Router::Route* Router::find(std::string_view method, Segments path, int wanted_fit) const {
    const auto found = std::ranges::find_if(routes_, [&](const Route& route) {
        return route.method == method && fit(route, path) == wanted_fit;
    });
    return found == routes_.end() ? nullptr : &*found;
}

std::string Router::allowed_methods(Segments path, int wanted_fit) const {
    std::set<std::string> methods;
    for (const auto& route : routes_) {
        if (fit(route, path) == wanted_fit) methods.insert(route.method);
    }
    if (methods.contains("GET")) methods.insert("HEAD");
    methods.insert("OPTIONS");
    return joined(methods);
}

std::string Router::all_methods() const {
    std::set<std::string> methods{"OPTIONS"};
    for (const auto& route : routes_) methods.insert(route.method);
    if (methods.contains("GET")) methods.insert("HEAD");
    return joined(methods);
}

Response Router::without_route(const Request& request, const std::string& allowed) const {
    Response response{.status = 204, .content_type = "", .body = "", .headers = {}};
    if (request.method != "OPTIONS") {
        response =
            problem(405, "method_not_allowed",
                    request.path + " does not take " + request.method + "; it takes " + allowed,
                    request.trace_id);
    }
    response.headers.add("Allow", allowed);
    return response;
}

awaitable<Response> Router::serve(Request request, std::string_view& route_name) const {
    route_name = "none";
    if (request.path == "*") co_return without_route(request, all_methods());
    const auto path = segments_of(request.path);
    const std::string_view method =
        request.method == "HEAD" ? std::string_view("GET") : request.method;
    const int best = best_fit(path);
    if (const Route* route = best < 0 ? nullptr : find(method, path, best)) {
        route_name = route->pattern;
        for (std::size_t i = 0; i < path.size(); ++i) {
            const auto& segment = route->segments[i];
            if (is_parameter(segment))
                request.path_parameters.emplace_back(segment.substr(1, segment.size() - 2),
                                                     decoded(path[i]));
        }
        co_return co_await route->handler(std::move(request));
    }
    if (best >= 0) co_return without_route(request, allowed_methods(path, best));
    if (fallback_) co_return co_await fallback_(std::move(request));
    co_return problem(404, "not_found", "there is nothing at " + request.path, request.trace_id);
}

awaitable<Response> Router::serve(Request request) const {
    std::string_view route;
    co_return co_await serve(std::move(request), route);
}

std::vector<std::string> Router::routes() const {
    std::vector<std::string> all;
    all.reserve(routes_.size());
    for (const auto& route : routes_) all.push_back(route.method + " " + route.pattern);
    std::ranges::sort(all);
    return all;
}

}  // namespace florin::http
