#include "settlement/http_api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/http/server.h"
#include "settlement/test_world.h"

namespace florin::settlement {
namespace {

using std::chrono::hours;
namespace json = boost::json;

/// The routes over a world that has settled two days of two merchants.
class Api {
public:
    explicit Api(HttpApiSettings settings = {}) : settings_(std::move(settings)) {
        for (std::int32_t day = 0; day < 2; ++day) {
            world.go_to(day, hours(10));
            world.capture("shop-1", 50'000, 1'500);
            world.refund("shop-2", 1'000);
        }
        world.go_to(2, hours(10));
        add_settlement_routes(router_, *world.store, *world.loop, *world.run, settings_);
    }

    http::Response ask(const std::string& method, const std::string& path,
                       std::vector<std::pair<std::string, std::string>> query = {},
                       const std::string& token = "") {
        http::Request request;
        request.method = method;
        request.path = path;
        request.query = std::move(query);
        if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
        if (!key.empty()) request.headers.add("X-Api-Key", key);
        return world.get(router_.serve(std::move(request)));
    }
    json::object get(const std::string& path,
                     std::vector<std::pair<std::string, std::string>> query = {}) {
        return json::parse(ask("GET", path, std::move(query)).body).as_object();
    }

    TestWorld world;
    std::string key;  // sent with every request

private:
    const HttpApiSettings settings_;
    http::Router router_;
};

TEST(SettlementApi, SettlesOnDemandAndTellsHowFarItCame) {
    Api api;
    const auto settled = api.ask("POST", "/api/settlements/run");
    EXPECT_EQ(settled.status, 200U);
    EXPECT_EQ(settled.body,
              R"({"day":")" + text_of(TestWorld::day(1)) + R"(","done":true,"statements":4})");
    const auto again = api.ask("POST", "/api/settlements/run");
    EXPECT_NE(again.body.find(R"("statements":0)"), std::string::npos) << again.body;
}

TEST(SettlementApi, SaysWhyADayCannotBeSettled) {
    Api api;
    const auto run = [&api](std::vector<std::pair<std::string, std::string>> query) {
        return api.ask("POST", "/api/settlements/run", std::move(query));
    };
    const std::string today = text_of(TestWorld::day(2));
    EXPECT_NE(run({{"day", today}}).body.find("day_not_ended"), std::string::npos);
    EXPECT_EQ(run({{"day", today}}).status, 409U);
    EXPECT_NE(run({{"day", text_of(TestWorld::day(3))}}).body.find("day_not_begun"),
              std::string::npos);
    EXPECT_EQ(run({{"day", "yesterday"}}).status, 400U);
    EXPECT_EQ(run({{"early", "yes"}}).status, 400U);
    EXPECT_EQ(run({{"day", today}, {"early", "true"}}).status, 200U);
}

TEST(SettlementApi, ShowsAStatementWithItsLines) {
    Api api;
    api.ask("POST", "/api/settlements/run");
    const auto list = api.get("/api/settlements", {{"merchantId", "shop-1"}});
    ASSERT_EQ(list.at("settlements").as_array().size(), 2U);
    const auto& first = list.at("settlements").as_array().back().as_object();
    EXPECT_EQ(first.at("day").as_string(), text_of(TestWorld::day(0)));
    EXPECT_EQ(first.at("captures"), (json::value{{"count", 1}, {"amount", 50'000}}));
    EXPECT_EQ(first.at("refunds"), (json::value{{"count", 0}, {"amount", 0}}));
    EXPECT_EQ(first.at("fees").as_int64(), 1'500);
    EXPECT_EQ(first.at("net").as_int64(), 48'500);
    EXPECT_EQ(first.at("paid").as_int64(), 48'500);
    EXPECT_EQ(first.at("ledgerTransaction").as_int64(), 3)
        << "behind the captures of both days, which were settled later";
    const std::string id(first.at("settlementId").as_string());
    EXPECT_EQ(api.get("/api/settlements/" + id), first);
    const auto debt = api.get("/api/settlements", {{"merchantId", "shop-2"}});
    const auto& second = debt.at("settlements").as_array().front().as_object();
    EXPECT_EQ(second.at("carriedOver").as_int64(), -1'000);
    EXPECT_EQ(second.at("carriedForward").as_int64(), -2'000);
    EXPECT_TRUE(second.at("ledgerTransaction").is_null());
}

TEST(SettlementApi, PagesThroughWhatAFilterLeaves) {
    Api api;
    api.ask("POST", "/api/settlements/run");
    std::string cursor;
    int seen = 0;
    do {
        const auto page = api.get("/api/settlements", {{"limit", "1"}, {"cursor", cursor}});
        seen += static_cast<int>(page.at("settlements").as_array().size());
        cursor = page.at("nextCursor").is_null() ? "" : page.at("nextCursor").as_string().c_str();
    } while (!cursor.empty());
    EXPECT_EQ(seen, 4);
    const std::string day = text_of(TestWorld::day(1));
    const auto one_day = api.get("/api/settlements", {{"from", day}, {"to", day}});
    EXPECT_EQ(one_day.at("settlements").as_array().size(), 2U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"limit", "0"}}).status, 400U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"merchantId", std::string(33, 'x')}}).status,
              400U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"cursor", "x"}}).status, 400U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"from", "2026-02-30"}}).status, 400U);
    EXPECT_EQ(api.ask("GET", "/api/settlements/" + Uuid{}.text()).status, 404U);
    EXPECT_EQ(api.ask("GET", "/api/settlements/one").status, 404U);
}

/// Everybody is shop-1 who says so.
class OnlyShop1 final : public payments::Authorization {
public:
    awaitable<std::expected<std::string, http::Response>> authenticate(
        const http::Request& request, payments::Access access) override {
        EXPECT_EQ(access, payments::Access::Read);
        if (request.headers.get("X-Api-Key") == "key") co_return "shop-1";
        co_return std::unexpected(http::problem(401, "unauthorized", "who are you?"));
    }
    http::Response other_merchant() override {
        return http::problem(403, "forbidden", "not yours");
    }
};

TEST(SettlementApi, AMerchantReadsItsOwnAndTheOperatorAll) {
    Api api({.authorization = std::make_shared<OnlyShop1>(),
             .admin = {.token = "secret", .token_required = true}});
    api.key = "key";
    EXPECT_EQ(api.ask("POST", "/api/settlements/run").status, 401U);
    EXPECT_EQ(api.ask("POST", "/api/settlements/run", {}, "secret").status, 200U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"merchantId", "shop-1"}}).status, 200U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"merchantId", "shop-2"}}).status, 403U);
    EXPECT_EQ(api.ask("GET", "/api/settlements").status, 401U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {}, "secret").status, 200U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"merchantId", "shop-2"}}, "secret").status,
              200U);
    const auto foreign = api.world.statements("shop-2").front();
    EXPECT_EQ(api.ask("GET", "/api/settlements/" + foreign.id.text()).status, 403U);
}

TEST(SettlementApi, WhoIsNotKnownIsToldThatBeforeAnythingElse) {
    Api api({.authorization = std::make_shared<OnlyShop1>(),
             .admin = {.token = "secret", .token_required = true}});
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"limit", "0"}}).status, 401U);
    EXPECT_EQ(api.ask("GET", "/api/settlements", {{"merchantId", std::string(33, 'x')}}).status,
              401U);
    EXPECT_EQ(api.ask("GET", "/api/settlements/one").status, 401U);
    EXPECT_EQ(api.ask("GET", "/api/settlements/" + Uuid{}.text()).status, 401U);
    EXPECT_EQ(api.ask("GET", "/api/daily-sales").status, 401U);
    EXPECT_EQ(api.ask("GET", "/api/daily-sales", {{"merchantId", "shop-1"}, {"from", "x"}}).status,
              401U);
    api.key = "key";
    EXPECT_EQ(api.ask("GET", "/api/settlements/one").status, 404U);
    EXPECT_EQ(api.ask("GET", "/api/daily-sales").status, 400U);
}

}  // namespace
}  // namespace florin::settlement
