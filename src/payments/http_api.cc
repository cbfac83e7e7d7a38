#include "payments/http_api.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "payments/requests.h"
#include "platform/base/faults.h"
#include "platform/http/server.h"
#include "platform/telemetry/log.h"

namespace florin::payments {
namespace {

using http::Request;
using http::Response;

std::string_view conflict_code(Operation operation) {
    switch (operation) {
        case Operation::Capture:
            return "CAPTURE_CONFLICT";
        case Operation::Refund:
            return "REFUND_CONFLICT";
        case Operation::Void:
        case Operation::Authorize:
            break;
    }
    return "VOID_CONFLICT";
}

std::string conflict_message(Operation operation, State state) {
    const std::string found = ", but this one is " + std::string(name_of(state));
    switch (operation) {
        case Operation::Capture:
            return "Only an AUTHORIZED payment can be captured" + found;
        case Operation::Refund:
            return "Only a captured payment with money left can be refunded" + found;
        case Operation::Void:
        case Operation::Authorize:
            break;
    }
    return "Only an authorization that was not captured can be voided" + found;
}

Response error(unsigned status, std::string_view code, std::string_view message,
               const std::optional<Uuid>& payment = std::nullopt) {
    return http::json(status, error_json(code, message, payment));
}

Response not_found() {
    return error(404, "NOT_FOUND", "Payment not found for merchant");
}

Response too_large(Operation operation, const Refused& why) {
    const bool refund = operation == Operation::Refund;
    return error(422, refund ? "REFUND_AMOUNT_TOO_LARGE" : "CAPTURE_AMOUNT_TOO_LARGE",
                 (refund ? "At most " : "The authorization covers ") + std::to_string(why.left) +
                     (refund ? " is left to refund" : ""),
                 why.payment);
}

Response refusal(Operation operation, const Refused& why) {
    switch (why.kind) {
        case Refused::Kind::KeyUsedForOther:
            return error(422, "IDEMPOTENCY_KEY_REUSED",
                         "This idempotency key came with another request before; use a new one",
                         why.payment);
        case Refused::Kind::AnswerForgotten:
            return error(409, "DUPLICATE_REQUEST", "Idempotency key already used", why.payment);
        case Refused::Kind::TwinUnderWay:
            return error(409, "IDEMPOTENCY_IN_PROGRESS",
                         "A request with this key is still under way; ask again later",
                         why.payment);
        case Refused::Kind::NotFound:
            return not_found();
        case Refused::Kind::WrongState:
            return error(409, conflict_code(operation), conflict_message(operation, why.state),
                         why.payment);
        case Refused::Kind::AmountNotPositive:
            return error(422, "AMOUNT_NOT_POSITIVE", "The amount must be at least 1", why.payment);
        case Refused::Kind::AmountTooLarge:
            return too_large(operation, why);
        case Refused::Kind::GatewayFault:
            return error(502, "GATEWAY_ERROR",
                         "The gateway failed (" + why.detail +
                             "); what became of the payment is being found out: ask again with the "
                             "same key",
                         why.payment);
        case Refused::Kind::GatewayTimedOut:
            return error(504, "GATEWAY_TIMEOUT",
                         "The gateway did not answer in time (" + why.detail +
                             "); what became of the payment is being found out: ask again with the "
                             "same key",
                         why.payment);
        case Refused::Kind::GatewayNotCalled: {
            Response response =
                error(503, "GATEWAY_UNAVAILABLE",
                      "The gateway is not being called at the moment: " + why.detail, why.payment);
            response.headers.add("Retry-After", "30");
            return response;
        }
    }
    return error(500, "INTERNAL_ERROR", "this build has no words for what happened");
}

void add_rate_fields(Response& response, const limits::RateDecision& decision) {
    if (decision.limit <= 0) return;
    response.headers.add("RateLimit-Limit", std::to_string(decision.limit));
    response.headers.add("RateLimit-Remaining", std::to_string(decision.remaining));
    response.headers.add("RateLimit-Reset", std::to_string(decision.reset.count()));
}

Response limited(std::string_view operation, const limits::RateDecision& decision) {
    const std::string wait = std::to_string(decision.retry_after.count());
    Response response = error(429, "RATE_LIMIT_EXCEEDED",
                              "Rate limit exceeded for " + std::string(operation) +
                                  " requests. Try again in " + wait + " seconds.");
    response.headers.add("Retry-After", wait);
    add_rate_fields(response, decision);
    return response;
}

Response answered(Answered answer) {
    Response response = http::json(answer.answer.status, std::move(answer.answer.body));
    if (answer.replayed) response.headers.add("Idempotent-Replayed", "true");
    return response;
}

bool is_json_type(std::string_view essence) {
    std::string lower(essence.substr(0, 64));
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return lower == "application/json" ||
           (lower.starts_with("application/") && lower.ends_with("+json"));
}

/// Whether the body says that it is JSON, or does not say what it is. A form that a foreign page
/// sends says something else, and must not pay.
bool says_json(const Request& request) {
    const std::string_view type = request.headers.get("Content-Type");
    const std::string_view essence = type.substr(0, type.find_first_of("; \t"));
    return essence.empty() || is_json_type(essence);
}

Response not_json(const Request& request) {
    return http::problem(415, "unsupported_media_type",
                         "the body is " +
                             std::string(request.headers.get("Content-Type").substr(0, 64)) +
                             "; send JSON, with Content-Type: application/json",
                         request.trace_id);
}

/// The merchant face of one loop; its handlers, which the router owns, share it.
class MerchantApi {
public:
    /// Who a request speaks for; nobody in particular where the API is open.
    using Caller = std::optional<std::string>;
    using Method = awaitable<Response> (MerchantApi::*)(Request, Caller);

    MerchantApi(PaymentService& service, limits::RateLimiter& limiter,
                const HttpApiSettings& settings, telemetry::Metrics& metrics)
        : service_(service),
          limiter_(limiter),
          settings_(settings),
          limited_(metrics.counter("florin_rate_limited_total",
                                   "Requests refused because their merchant sent too many")),
          unlimited_(metrics.counter("florin_rate_limiter_failures_total",
                                     "Requests let through because the rate limiter failed")) {}

    awaitable<Response> guarded(Method method, Access access, Request request) {
        try {
            Caller caller;
            if (settings_.authorization) {
                auto known = co_await settings_.authorization->authenticate(request, access);
                if (!known) co_return std::move(known.error());
                caller = *std::move(known);
            }
            if (request.method == "POST" && !says_json(request)) co_return not_json(request);
            co_return co_await (this->*method)(std::move(request), std::move(caller));
        } catch (const Overloaded& fault) {
            co_return busy("OVERLOADED", fault.what());
        } catch (const Unavailable& fault) {
            // Its text is for those who run this: it names files.
            telemetry::warning("A request cannot be served now", {{"fault", fault.what()}});
            co_return busy("STORE_UNAVAILABLE", "the store cannot be used now");
        }
    }

    awaitable<Response> authorize(Request request, Caller caller) {
        auto parsed = parse_authorize(request);
        if (!parsed) co_return http::json(400, invalid_request_json(parsed.error()));
        if (is_other(caller, parsed->merchant)) co_return settings_.authorization->other_merchant();
        if (service_.has_cache()) {
            auto earlier = co_await service_.recall({parsed->merchant, parsed->key, parsed->claim});
            if (earlier) co_return answered(std::move(*earlier));
        }
        const IdempotencyKey key = parsed->claim;
        const std::string merchant = parsed->merchant;
        co_return co_await within_limit(Operation::Authorize, merchant, settings_.limits.authorize,
                                        key, service_.authorize(std::move(*parsed)));
    }

    awaitable<Response> capture(Request request, Caller caller) {
        co_return co_await change(Operation::Capture, std::move(request), std::move(caller));
    }
    awaitable<Response> refund(Request request, Caller caller) {
        co_return co_await change(Operation::Refund, std::move(request), std::move(caller));
    }
    awaitable<Response> cancel(Request request, Caller caller) {
        co_return co_await change(Operation::Void, std::move(request), std::move(caller));
    }

    awaitable<Response> get(Request request, Caller caller) {
        const auto merchant = parse_merchant(request);
        if (!merchant) co_return http::json(400, invalid_request_json(merchant.error()));
        if (is_other(caller, *merchant)) co_return settings_.authorization->other_merchant();
        const auto id = parse_uuid(request.path_value("paymentId"));
        if (!id) co_return not_found();
        const auto story = co_await service_.find(*merchant, *id);
        if (!story) co_return not_found();
        co_return http::json(200,
                             payment_details_json(story->payment, story->steps, story->entries));
    }

    awaitable<Response> list(Request request, Caller caller) {
        auto filter = parse_list(request);
        if (!filter) co_return http::json(400, invalid_request_json(filter.error()));
        if (is_other(caller, filter->merchant)) co_return settings_.authorization->other_merchant();
        co_return http::json(200, payments_json(co_await service_.list(std::move(*filter))));
    }

private:
    static Response busy(std::string_view code, std::string_view why) {
        Response response =
            error(503, code, "Nothing was stored (" + std::string(why) + "); try again shortly");
        response.headers.add("Retry-After", "1");
        return response;
    }

    static bool is_other(const Caller& caller, std::string_view merchant) {
        return caller && *caller != merchant;
    }

    awaitable<Response> change(Operation operation, Request request, Caller caller) {
        const auto id = parse_uuid(request.path_value("paymentId"));
        auto parsed = parse_change(operation, request, id.value_or(Uuid{}));
        if (!parsed) co_return http::json(400, invalid_request_json(parsed.error()));
        if (is_other(caller, parsed->merchant)) co_return settings_.authorization->other_merchant();
        if (!id) co_return not_found();
        const bool refund = operation == Operation::Refund;
        const IdempotencyKey key = parsed->claim;
        const std::string merchant = parsed->merchant;
        co_return co_await within_limit(operation, merchant,
                                        refund ? settings_.limits.refund : settings_.limits.capture,
                                        key, service_.change(std::move(*parsed)));
    }

    /// Runs `work` if the merchant's limit allows it. Replays cost nothing: they get their answer
    /// even beyond it.
    awaitable<Response> within_limit(Operation operation, std::string merchant,
                                     limits::RateLimit limit, IdempotencyKey key,
                                     awaitable<Answer> work) {
        const std::string_view counted =
            operation == Operation::Void ? name_of(Operation::Capture) : name_of(operation);
        std::string counter(counted);
        counter.append(1, ':').append(merchant);
        const auto decision = co_await limiter_.take(counter, limit);
        if (decision.limiter_failed) unlimited_.add();
        if (!decision.allowed) {
            if (auto earlier = co_await service_.replay(std::move(key)))
                co_return answered(std::move(*earlier));
            limited_.add();
            co_return limited(counted, decision);
        }
        Answer answer = co_await std::move(work);
        if (answer && answer->replayed) co_await limiter_.give_back(counter, limit);
        Response response =
            answer ? answered(std::move(*answer)) : refusal(operation, answer.error());
        add_rate_fields(response, decision);
        co_return response;
    }

    PaymentService& service_;
    limits::RateLimiter& limiter_;
    const HttpApiSettings& settings_;
    telemetry::Counter limited_;
    telemetry::Counter unlimited_;
};

}  // namespace

void add_payment_routes(http::Router& router, PaymentService& service, limits::RateLimiter& limiter,
                        const HttpApiSettings& settings, telemetry::Metrics& metrics) {
    const auto api = std::make_shared<MerchantApi>(service, limiter, settings, metrics);
    const auto add = [&](const char* method, const std::string& path, Access access,
                         MerchantApi::Method handler) {
        for (const std::string prefix : {"/payments", "/api/payments"}) {
            router.add(method, prefix + path, [api, access, handler](Request request) {
                return api->guarded(handler, access, std::move(request));
            });
        }
    };
    add("POST", "/authorize", Access::Write, &MerchantApi::authorize);
    add("POST", "/capture/{paymentId}", Access::Write, &MerchantApi::capture);
    add("POST", "/refund/{paymentId}", Access::Refund, &MerchantApi::refund);
    add("POST", "/void/{paymentId}", Access::Write, &MerchantApi::cancel);
    add("GET", "/{paymentId}", Access::Read, &MerchantApi::get);
    add("GET", "", Access::Read, &MerchantApi::list);
}

}  // namespace florin::payments
