#include "gateway/http_api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "gateway/grpc_test_world.h"
#include "platform/http/admin_access.h"
#include "platform/http/server.h"
#include "platform/leases/leases.h"

namespace florin::gateway {
namespace {

namespace json = boost::json;
namespace pb = payment::v1;
using http::Response;

/// The admin face over a world whose webhooks wait in the store.
class HttpWorld : public GrpcWorld {
public:
    explicit HttpWorld(http::AdminAccess chosen = {})
        : access(std::move(chosen)),
          dispatcher(*loop, *store, sender, leases, clock, {}, *metrics) {
        add_gateway_routes(router, *store, clock, dispatcher, access);
    }

    Response ask(std::string method, std::string path,
                 std::vector<std::pair<std::string, std::string>> query = {},
                 std::string authorization = "") {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        request.trace_id = "trace-of-a-test";
        if (!authorization.empty()) request.headers.add("Authorization", std::move(authorization));
        return get(router.serve(std::move(request)));
    }
    json::value ask_json(std::string path,
                         std::vector<std::pair<std::string, std::string>> query = {}) {
        const auto response = ask("GET", std::move(path), std::move(query));
        EXPECT_EQ(response.status, 200U) << response.body;
        return json::parse(response.body);
    }

    const http::AdminAccess access;
    http::Router router;
    leases::SoleLeases leases;
    Dispatcher dispatcher;
};

TEST(HttpApi, ShowsPaymentsWithFiltersAndCursor) {
    HttpWorld world;
    for (int i = 0; i < 5; ++i) world.create(i % 2 == 0 ? pb::approve : pb::fail);
    world.advance(Seconds(2));
    auto page = world.ask_json("/api/gateway/payments", {{"limit", "2"}}).as_object();
    EXPECT_EQ(page["payments"].as_array().size(), 2U);
    EXPECT_EQ(page["total_count"].as_int64(), 5);
    int seen = 2;
    while (!page["next_cursor"].is_null()) {
        const std::string cursor(page["next_cursor"].as_string());
        page = world.ask_json("/api/gateway/payments", {{"limit", "2"}, {"cursor", cursor}})
                   .as_object();
        seen += static_cast<int>(page["payments"].as_array().size());
    }
    EXPECT_EQ(seen, 5);
    page =
        world.ask_json("/api/gateway/payments", {{"status", "PAYMENT_STATUS_FAILED"}}).as_object();
    ASSERT_EQ(page["payments"].as_array().size(), 2U);
    const auto& failed = page["payments"].as_array()[0].as_object();
    EXPECT_EQ(failed.at("failure_reason").as_string(), "card_declined");
    EXPECT_EQ(failed.at("amount").as_int64(), 100'000);
    EXPECT_TRUE(failed.at("due_at").is_null());
}

TEST(HttpApi, NamesTheParameterThatIsWrong) {
    HttpWorld world;
    for (const auto& [name, value] : {std::pair{"limit", "101"}, std::pair{"limit", "many"},
                                      std::pair{"status", "DONE"}, std::pair{"cursor", "zzz"}}) {
        const auto response = world.ask("GET", "/api/gateway/payments", {{name, value}});
        EXPECT_EQ(response.status, 400U);
        EXPECT_EQ(response.content_type, "application/problem+json");
        EXPECT_NE(response.body.find(std::string(name) + " is "), std::string::npos);
    }
    EXPECT_EQ(world.ask("GET", "/api/gateway/webhooks", {{"state", "lost"}}).status, 400U);
    EXPECT_EQ(world.ask("GET", "/api/gateway/payments/pay-xxx").status, 404U);
    EXPECT_EQ(world.ask("GET", "/api/gateway/webhooks/xxx").status, 404U);
    EXPECT_EQ(world.ask("POST", "/api/gateway/webhooks/xxx/resend").status, 404U);
}

TEST(HttpApi, TellsTheTimelineInOrder) {
    HttpWorld world;
    const auto id = world.create(pb::approve, "http://receiver.test/");
    world.advance(Seconds(2));
    pb::CancelPaymentRequest refund;
    refund.set_payment_intent_id(id);
    refund.mutable_refund_amount()->set_amount(1'000);
    refund.set_reason("broken <b>");
    world.clock.advance(Seconds(1));
    ASSERT_TRUE(world.call<pb::CancelPaymentResponse>("CancelPayment", refund));
    const auto answer = world.ask_json("/api/gateway/payments/" + id + "/timeline").as_object();
    std::vector<std::string> events;
    for (const auto& entry : answer.at("timeline").as_array())
        events.emplace_back(entry.at("event").as_string());
    EXPECT_EQ(events, (std::vector<std::string>{"created", "completed", "refunded"}));
    EXPECT_FALSE(answer.at("ended").as_bool()) << "its webhook is still pending";
}

TEST(HttpApi, TheTimelineOfATimeoutGoesFromProcessingToExpired) {
    HttpWorld world;
    const auto id = world.create(pb::timeout, "http://receiver.test/");
    const auto story = [&](const std::string& target) {
        const auto answer = world.ask_json(target).as_object();
        std::string text = answer.at("ended").as_bool() ? "ended:" : "open:";
        for (const auto& entry : answer.at("timeline").as_array())
            (text += ' ') += entry.at("event").as_string();
        return text;
    };
    const std::string timeline = "/api/gateway/payments/" + id + "/timeline";
    const std::string page_state = "/pay/" + id + "/state";
    world.advance(Seconds(2));
    EXPECT_EQ(story(timeline), "open: created processing");
    EXPECT_EQ(story(page_state), "open: created processing");
    world.advance(world.settings.timing.time_to_live);
    EXPECT_EQ(story(timeline), "ended: created processing expired");
    EXPECT_EQ(story(page_state), "ended: created processing expired");
    EXPECT_EQ(world.ask_json(page_state).at("status").as_string(), "PAYMENT_STATUS_EXPIRED");
    EXPECT_TRUE(world.offered.empty()) << "nobody is told";
}

TEST(HttpApi, ListsWebhooksAndSendsDeadOnesAgain) {
    HttpWorld world;
    world.create(pb::approve, "http://receiver.test/");
    world.advance(Seconds(2));
    ASSERT_EQ(world.offered.size(), 1U);
    const std::string id = world.offered[0].id.text();
    const auto pending =
        world.ask_json("/api/gateway/webhooks", {{"state", "pending"}}).as_object();
    ASSERT_EQ(pending.at("webhooks").as_array().size(), 1U);
    EXPECT_EQ(pending.at("webhooks").as_array()[0].at("webhook_id").as_string(), id);
    EXPECT_EQ(world.ask("POST", "/api/gateway/webhooks/" + id + "/resend").status, 409U);
    world.get(world.store->write([](store::Transaction& tx) {
        return tx.execute(store::Sql("UPDATE webhook_delivery SET state = 2"));
    }));
    const auto dead = world.ask_json("/api/gateway/dead-letters").as_object();
    EXPECT_EQ(dead.at("webhooks").as_array().size(), 1U);
    const auto resent = world.ask("POST", "/api/gateway/dead-letters/resend");
    EXPECT_EQ(resent.status, 202U);
    EXPECT_EQ(resent.body, R"({"resent":1})");
    EXPECT_EQ(world.ask_json("/api/gateway/webhooks/" + id).at("state").as_string(), "pending");
    EXPECT_EQ(world.ask("POST", "/api/gateway/dead-letters/resend").body, R"({"resent":0})");
}

TEST(HttpApi, AsksForTheAdminTokenWhereOneIsSet) {
    HttpWorld world({.token = "s3cret", .token_required = true});
    const auto status = [&](const std::string& authorization) {
        return world.ask("GET", "/api/gateway/payments", {}, authorization).status;
    };
    EXPECT_EQ(status(""), 401U);
    EXPECT_EQ(status("Bearer wrong"), 401U);
    EXPECT_EQ(status("Bearer s3cretx"), 401U);
    EXPECT_EQ(status("Basic s3cret"), 401U);
    EXPECT_EQ(status("Bearer s3cret"), 200U);
    EXPECT_EQ(world.ask("POST", "/api/gateway/dead-letters/resend").status, 401U);
    EXPECT_EQ(world.ask("GET", "/pay/pay-none").status, 404U) << "pages are public";
}

TEST(HttpApi, StaysClosedInProductionUntilATokenIsSet) {
    HttpWorld world({.token = "", .token_required = true});
    const auto response = world.ask("GET", "/api/gateway/webhooks");
    EXPECT_EQ(response.status, 403U);
    EXPECT_NE(response.body.find("ADMIN_TOKEN"), std::string::npos);
    EXPECT_EQ(world.ask("POST", "/api/gateway/dead-letters/resend").status, 403U);
}

TEST(PaymentPage, ShowsNothingOfTheUserAndNeedsNothingFromElsewhere) {
    HttpWorld world;
    auto request = GrpcWorld::valid_request();
    request.set_user_id("<script>alert(1)</script>");
    request.set_webhook_url("http://secret-receiver.test/");
    const auto id = world.call<pb::CreatePaymentIntentResponse>("CreatePaymentIntent", request)
                        ->payment_intent_id();
    const auto page = world.ask("GET", "/pay/" + id);
    EXPECT_EQ(page.status, 200U);
    EXPECT_TRUE(page.headers.get("Content-Security-Policy").starts_with("default-src 'none'"));
    EXPECT_NE(page.body.find(id), std::string::npos);
    for (const auto& body : {page.body, world.ask("GET", "/pay/" + id + "/state").body}) {
        EXPECT_EQ(body.find("alert"), std::string::npos);
        EXPECT_EQ(body.find("secret-receiver"), std::string::npos);
        EXPECT_EQ(body.find("http://"), std::string::npos);
    }
    EXPECT_EQ(world.ask("GET", "/pay/pay-xxx").status, 404U);
    EXPECT_EQ(world.ask("GET", "/pay/<b>").body.find("<b>"), std::string::npos);
    world.advance(Seconds(2));
    const auto state = world.ask_json("/pay/" + id + "/state");
    EXPECT_EQ(state.at("status").as_string(), "PAYMENT_STATUS_COMPLETED");
}

}  // namespace
}  // namespace florin::gateway
