#include "web/api_docs.h"

#include <algorithm>
#include <string>

#include "platform/http/gzip.h"
#include "platform/http/server.h"
#include "web/assets.h"

namespace florin::web {
namespace {

using http::Request;
using http::Response;

// Swagger UI writes style attributes and draws with data: images; it needs no inline script.
constexpr const char* page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
    "data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const Asset* find_asset(std::string_view name) {
    const auto all = assets();
    const auto found = std::ranges::find(all, name, &Asset::name);
    return found == all.end() ? nullptr : &*found;
}

bool names_version(std::string_view if_none_match, std::string_view entity_tag) {
    return if_none_match == "*" || if_none_match.find(entity_tag) != std::string_view::npos;
}

Response answer(const Asset& asset, const Request& request) {
    const bool gzip = asset.gzip.size() < asset.plain.size() &&
                      http::accepts_gzip(request.headers.get("Accept-Encoding"));
    // The two forms are two representations: each has an entity tag of its own.
    const std::string entity_tag = '"' + std::string(asset.hash) + (gzip ? "-gzip\"" : "\"");
    Response response{.status = 200, .content_type = "", .body = "", .headers = {}};
    response.headers.add("ETag", entity_tag);
    // Always asked again, and mostly answered by a 304: a new binary shows at once.
    response.headers.add("Cache-Control", "no-cache");
    response.headers.add("X-Content-Type-Options", "nosniff");
    if (gzip) response.headers.add("Vary", "Accept-Encoding");
    if (names_version(request.headers.get("If-None-Match"), entity_tag)) {
        response.status = 304;
        return response;
    }
    if (asset.content_type.starts_with("text/html")) {
        response.headers.add("Content-Security-Policy", page_policy);
        response.headers.add("Referrer-Policy", "no-referrer");
    }
    if (gzip) response.headers.add("Content-Encoding", "gzip");
    response.content_type = asset.content_type;
    response.body = gzip ? asset.gzip : asset.plain;
    return response;
}

awaitable<Response> show(std::string name, Request request) {
    if (const Asset* asset = find_asset(name)) co_return answer(*asset, request);
    co_return http::problem(404, "not_found", "there is nothing at " + request.path,
                            request.trace_id);
}

}  // namespace

void add_docs_routes(http::Router& router) {
    for (const std::string name : {"openapi.yaml", "openapi.json", "swagger-ui.html"}) {
        router.add("GET", "/" + name,
                   [name](Request request) { return show(name, std::move(request)); });
    }
    router.add("GET", "/swagger-ui/{file}", [](Request request) {
        std::string name = "swagger-ui/" + std::string(request.path_value("file"));
        return show(std::move(name), std::move(request));
    });
}

}  // namespace florin::web
