#include "merchants/http_api.h"

#include <memory>
#include <string>
#include <utility>

#include "merchants/key_json.h"
#include "merchants/key_requests.h"
#include "merchants/key_service.h"
#include "platform/http/server.h"

namespace florin::merchants {
namespace {

using http::Request;
using http::Response;

Response no_key(const Request& request) {
    return http::problem(
        404, "key_not_found",
        "there is no such key: " + std::string(request.path_value("keyId").substr(0, 64)) +
            "; `florin keys list` shows those there are",
        request.trace_id);
}

Response refusal(const Request& request, KeyRefusal why) {
    switch (why) {
        case KeyRefusal::NotFound:
            return no_key(request);
        case KeyRefusal::TooMany:
            return http::problem(409, "too_many_keys",
                                 "this merchant has " +
                                     std::to_string(KeyService::usable_keys_max) +
                                     " keys in use; revoke one first",
                                 request.trace_id);
        case KeyRefusal::NotUsable:
            return http::problem(409, "key_not_usable",
                                 "this key is expired or revoked; create a new one",
                                 request.trace_id);
    }
    return http::problem(500, "internal_error", "this build has no words for what happened",
                         request.trace_id);
}

Response invalid(const Request& request, const std::string& complaints) {
    return http::problem(400, "invalid_request", complaints, request.trace_id);
}

/// An answer that holds a key's text must not stay in anybody's cache.
Response secret(std::string body) {
    Response response = http::json(201, std::move(body));
    response.headers.add("Cache-Control", "no-store");
    return response;
}

/// The face of one loop; its handlers, which the router owns, share it.
class KeysApi {
public:
    using Method = awaitable<Response> (KeysApi::*)(Request);

    KeysApi(KeyService& service, const Clock& clock, const KeysApiSettings& settings)
        : service_(service), clock_(clock), settings_(settings) {}

    awaitable<Response> guarded(Method method, Request request) {
        if (auto no = http::refuse_admin(settings_.access, request)) co_return std::move(*no);
        co_return co_await (this->*method)(std::move(request));
    }

    awaitable<Response> create(Request request) {
        auto parsed = parse_create(request);
        if (!parsed) co_return invalid(request, parsed.error());
        const auto issued = co_await service_.create(std::move(*parsed));
        if (!issued) co_return refusal(request, issued.error());
        co_return secret(issued_json(*issued, clock_.now()));
    }

    awaitable<Response> rotate(Request request) {
        const auto grace = parse_rotate(request, settings_.rotation_grace);
        if (!grace) co_return invalid(request, grace.error());
        const auto id = parse_uuid(request.path_value("keyId"));
        if (!id) co_return no_key(request);
        const auto rotated =
            co_await service_.rotate(std::string(request.path_value("merchantId")), *id, *grace);
        if (!rotated) co_return refusal(request, rotated.error());
        co_return secret(rotated_json(*rotated, clock_.now()));
    }

    awaitable<Response> revoke(Request request) {
        const auto id = parse_uuid(request.path_value("keyId"));
        if (!id) co_return no_key(request);
        const auto revoked =
            co_await service_.revoke(std::string(request.path_value("merchantId")), *id);
        if (!revoked) co_return refusal(request, revoked.error());
        co_return http::json(200, key_json(*revoked, clock_.now()));
    }

    awaitable<Response> list(Request request) {
        auto filter = parse_list(request);
        if (!filter) co_return invalid(request, filter.error());
        const auto limit = static_cast<std::size_t>(filter->limit++);  // one more: is there a page?
        auto keys = co_await service_.list(std::move(*filter));
        const bool more = keys.size() > limit;
        if (more) keys.pop_back();
        co_return http::json(200, keys_json(keys, more, clock_.now()));
    }

    awaitable<Response> get(Request request) {
        const auto id = parse_uuid(request.path_value("keyId"));
        if (!id) co_return no_key(request);
        const auto key = co_await service_.find(*id);
        if (!key) co_return no_key(request);
        co_return http::json(200, key_json(*key, clock_.now()));
    }

private:
    KeyService& service_;
    const Clock& clock_;
    const KeysApiSettings& settings_;
};

}  // namespace

void add_key_routes(http::Router& router, KeyService& service, const Clock& clock,
                    const KeysApiSettings& settings) {
    const auto api = std::make_shared<KeysApi>(service, clock, settings);
    const auto add = [&](const char* method, const char* pattern, KeysApi::Method handler) {
        router.add(method, pattern, [api, handler](Request request) {
            return api->guarded(handler, std::move(request));
        });
    };
    add("POST", "/api/merchants/{merchantId}/keys", &KeysApi::create);
    add("GET", "/api/merchants/{merchantId}/keys", &KeysApi::list);
    add("POST", "/api/merchants/{merchantId}/keys/{keyId}/rotate", &KeysApi::rotate);
    add("DELETE", "/api/merchants/{merchantId}/keys/{keyId}", &KeysApi::revoke);
    add("GET", "/api/merchant-keys", &KeysApi::list);
    add("GET", "/api/merchant-keys/{keyId}", &KeysApi::get);
}

}  // namespace florin::merchants
