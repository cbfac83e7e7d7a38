#include "gateway/http_api.h"

#include "gateway/http_json.h"
#include "gateway/payment_page.h"
#include "gateway/webhooks/dispatcher.h"
#include "platform/http/admin_access.h"
#include "platform/http/list_query.h"
#include "platform/http/server.h"
#include "platform/store/store.h"

namespace florin::gateway {
namespace {

using http::Request;
using http::Response;

constexpr int resend_batch_max = 500;

/// The admin face of one loop; its handlers, which the router owns, share it.
class AdminApi {
public:
    using Method = awaitable<Response> (AdminApi::*)(Request);

    AdminApi(store::Store& store, const Clock& clock, Dispatcher& dispatcher,
             const http::AdminAccess& access)
        : store_(store), clock_(clock), dispatcher_(dispatcher), access_(access) {}

    awaitable<Response> guarded(Method method, Request request) {
        if (auto refusal = http::refuse_admin(access_, request)) co_return std::move(*refusal);
        co_return co_await (this->*method)(std::move(request));
    }

    awaitable<Response> list_payments(Request request) {
        IntentFilter filter;
        filter.user_id = request.query_value("user_id").value_or("");
        filter.reservation_id = request.query_value("reservation_id").value_or("");
        if (const auto status = request.query_value("status")) {
            filter.state = state_named(*status);
            if (!filter.state)
                co_return http::invalid_parameter(
                    request, "status", "a payment status such as PAYMENT_STATUS_COMPLETED");
        }
        const auto limit = http::limit_of(request);
        if (!limit) co_return http::invalid_parameter(request, "limit", "a number from 1 to 100");
        filter.limit = *limit;
        if (const auto cursor = request.query_value("cursor")) {
            filter.after = store::parse_bucket_cursor(*cursor);
            if (!filter.after)
                co_return http::invalid_parameter(request, "cursor",
                                                  "the next_cursor of an earlier page");
        }
        const auto page = co_await store_.read(
            [&filter](store::Snapshot& snapshot) { return list_intents(snapshot, filter); });
        co_return http::json(200, payments_json(page));
    }

    awaitable<Response> get_payment(Request request) {
        const auto story = co_await find(std::string(request.path_value("id")));
        if (!story) co_return no_payment(request);
        co_return http::json(200, payment_json(story->intent));
    }

    awaitable<Response> get_timeline(Request request) {
        const auto story = co_await find(std::string(request.path_value("id")));
        if (!story) co_return no_payment(request);
        co_return http::json(200, timeline_json(*story));
    }

    awaitable<Response> list_webhooks(Request request) {
        std::optional<WebhookDelivery::State> state;
        if (const auto asked = request.query_value("state")) {
            if (*asked == "pending") {
                state = WebhookDelivery::State::Pending;
            } else if (*asked == "delivered") {
                state = WebhookDelivery::State::Delivered;
            } else if (*asked == "dead") {
                state = WebhookDelivery::State::Dead;
            } else {
                co_return http::invalid_parameter(request, "state", "pending, delivered or dead");
            }
        }
        co_return co_await list_in_state(std::move(request), state);
    }

    awaitable<Response> list_dead_letters(Request request) {
        co_return co_await list_in_state(std::move(request), WebhookDelivery::State::Dead);
    }

    awaitable<Response> get_webhook(Request request) {
        const auto id = parse_uuid(request.path_value("id"));
        if (!id) co_return no_webhook(request);
        const auto record = co_await store_.read(
            [&id](store::Snapshot& snapshot) { return find_delivery(snapshot, *id); });
        if (!record) co_return no_webhook(request);
        co_return http::json(200, webhook_json(*record));
    }

    awaitable<Response> resend(Request request) {
        const auto id = parse_uuid(request.path_value("id"));
        if (!id) co_return no_webhook(request);
        const Instant now = clock_.now();
        const auto sent = co_await store_.write(
            [&id, now](store::Transaction& tx) { return resend_delivery(tx, *id, now); });
        if (!sent) {
            switch (sent.error()) {
                case ResendRefusal::NotFound:
                    co_return no_webhook(request);
                case ResendRefusal::StillPending:
                    co_return http::problem(
                        409, "still_pending",
                        "this webhook is still on its way; its next_attempt_at tells when",
                        request.trace_id);
            }
        }
        dispatcher_.offer({*sent});
        co_return http::json(202, R"({"resent":1})");
    }

    awaitable<Response> resend_dead_letters(Request /*request*/) {
        const Instant now = clock_.now();
        auto sent = co_await store_.write([now](store::Transaction& tx) {
            std::vector<WebhookDelivery> again;
            for (const auto& dead : list_deliveries(tx, WebhookDelivery::State::Dead, std::nullopt,
                                                    resend_batch_max)) {
                if (auto delivery = resend_delivery(tx, dead.delivery.id, now))
                    again.push_back(std::move(*delivery));
            }
            return again;
        });
        const std::size_t count = sent.size();
        dispatcher_.offer(std::move(sent));
        co_return http::json(202, R"({"resent":)" + std::to_string(count) + "}");
    }

    awaitable<Response> page(Request request) {
        const auto story = co_await find(std::string(request.path_value("id")));
        co_return payment_page(story ? std::optional(story->intent) : std::nullopt);
    }

    awaitable<Response> public_state(Request request) {
        const auto story = co_await find(std::string(request.path_value("id")));
        if (!story) co_return no_payment(request);
        Response response = http::json(200, public_state_json(*story));
        response.headers.add("Cache-Control", "no-store");
        co_return response;
    }

private:
    awaitable<std::optional<PaymentStory>> find(std::string text) {
        const auto id = parse_wire_id(text);
        if (!id) co_return std::nullopt;
        co_return co_await store_.read(
            [&id](store::Snapshot& snapshot) { return read_story(snapshot, *id); });
    }

    awaitable<Response> list_in_state(Request request,
                                      std::optional<WebhookDelivery::State> state) {
        const auto limit = http::limit_of(request);
        if (!limit) co_return http::invalid_parameter(request, "limit", "a number from 1 to 100");
        std::optional<Uuid> before;
        if (const auto cursor = request.query_value("cursor")) {
            before = parse_uuid(*cursor);
            if (!before)
                co_return http::invalid_parameter(request, "cursor",
                                                  "the next_cursor of an earlier page");
        }
        auto records = co_await store_.read([&](store::Snapshot& snapshot) {
            return list_deliveries(snapshot, state, before, *limit + 1);
        });
        const bool more = static_cast<int>(records.size()) > *limit;
        if (more) records.pop_back();
        co_return http::json(200, webhooks_json(records, more));
    }

    static std::optional<PaymentState> state_named(std::string_view name) {
        for (int number = 1; number <= 7; ++number) {
            const auto state = payment_state_from(number);
            if (state && name_of(*state) == name) return state;
        }
        return std::nullopt;
    }

    static Response no_payment(const Request& request) {
        return http::problem(404, "payment_not_found",
                             "payment intent not found: " + std::string(request.path_value("id")),
                             request.trace_id);
    }
    static Response no_webhook(const Request& request) {
        return http::problem(404, "webhook_not_found",
                             "webhook not found: " + std::string(request.path_value("id")),
                             request.trace_id);
    }

    store::Store& store_;
    const Clock& clock_;
    Dispatcher& dispatcher_;
    const http::AdminAccess& access_;
};

}  // namespace

void add_gateway_routes(http::Router& router, store::Store& store, const Clock& clock,
                        Dispatcher& dispatcher, const http::AdminAccess& access) {
    const auto api = std::make_shared<AdminApi>(store, clock, dispatcher, access);
    const auto admin = [&](const char* method, const char* pattern, AdminApi::Method handler) {
        router.add(method, pattern, [api, handler](Request request) {
            return api->guarded(handler, std::move(request));
        });
    };
    admin("GET", "/api/gateway/payments", &AdminApi::list_payments);
    admin("GET", "/api/gateway/payments/{id}", &AdminApi::get_payment);
    admin("GET", "/api/gateway/payments/{id}/timeline", &AdminApi::get_timeline);
    admin("GET", "/api/gateway/webhooks", &AdminApi::list_webhooks);
    admin("GET", "/api/gateway/webhooks/{id}", &AdminApi::get_webhook);
    admin("POST", "/api/gateway/webhooks/{id}/resend", &AdminApi::resend);
    admin("GET", "/api/gateway/dead-letters", &AdminApi::list_dead_letters);
    admin("POST", "/api/gateway/dead-letters/resend", &AdminApi::resend_dead_letters);
    router.add("GET", "/pay/{id}",
               [api](Request request) { return api->page(std::move(request)); });
    router.add("GET", "/pay/{id}/state",
               [api](Request request) { return api->public_state(std::move(request)); });
}

}  // namespace florin::gateway
