#include "payments/http_api.h"

#include <gtest/gtest.h>

#include "payments/test_world.h"
#include "platform/http/server.h"
#include "platform/limits/memory_rate_limiter.h"

namespace florin::payments {
namespace {

/// Who sends a key is the merchant of that name, and may do everything but refunds.
class KeyIsTheMerchant final : public Authorization {
public:
    awaitable<std::expected<std::string, http::Response>> authenticate(const http::Request& request,
                                                                       Access access) override {
        std::string merchant(request.headers.get("X-Api-Key"));
        if (merchant.empty()) co_return std::unexpected(http::json(401, "{}"));
        if (access == Access::Refund) co_return std::unexpected(http::json(403, "{}"));
        co_return merchant;
    }
    http::Response other_merchant() override { return http::json(403, "{}"); }
};

/// The routes of one loop, which ask for keys.
class Api {
public:
    Api() { add_payment_routes(router_, *world.service, limiter_, settings_, *world.metrics); }

    unsigned ask(std::string method, std::string path, std::string body, const std::string& key,
                 std::string type = "application/json") {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.body = std::move(body);
        request.headers.add("Content-Type", std::move(type));
        if (!key.empty()) request.headers.add("X-Api-Key", key);
        return world.get(router_.serve(std::move(request))).status;
    }

    TestWorld world;

private:
    limits::MemoryRateLimiter limiter_{world.clock};
    const HttpApiSettings settings_{.limits = {},
                                    .authorization = std::make_shared<KeyIsTheMerchant>()};
    http::Router router_;
};

constexpr const char* payment_of_shop_1 =
    R"({"merchantId":"shop-1","amount":500,"currency":"KRW","idempotencyKey":"k"})";

TEST(PaymentApi, WhoIsNotKnownIsToldThatWhateverElseIsWrong) {
    Api api;
    for (const char* path : {"/payments/authorize", "/payments/capture/1", "/payments/refund/1",
                             "/payments/void/1", "/api/payments/authorize"}) {
        for (const char* body : {"", "{", "[]", payment_of_shop_1})
            EXPECT_EQ(api.ask("POST", path, body, ""), 401U) << path << ' ' << body;
        EXPECT_EQ(api.ask("POST", path, "a=b", "", "text/plain"), 401U) << path;
    }
    EXPECT_EQ(api.ask("GET", "/payments", "", ""), 401U);
    EXPECT_EQ(api.ask("GET", "/payments/1", "", ""), 401U);
}

TEST(PaymentApi, AScopeIsAskedForBeforeTheBodyIsRead) {
    Api api;
    EXPECT_EQ(api.ask("POST", "/payments/refund/1", "{", "shop-1"), 403U);
    EXPECT_EQ(api.ask("POST", "/payments/capture/1", "{", "shop-1"), 400U);
}

TEST(PaymentApi, AKnownMerchantHearsWhatIsWrongAndActsForItselfAlone) {
    Api api;
    EXPECT_EQ(api.ask("POST", "/payments/authorize", "{", "shop-1"), 400U);
    EXPECT_EQ(api.ask("POST", "/payments/authorize", "a=b", "shop-1", "text/plain"), 415U);
    EXPECT_EQ(api.ask("GET", "/payments", "", "shop-1"), 400U);
    EXPECT_EQ(api.ask("POST", "/payments/authorize", payment_of_shop_1, "shop-2"), 403U);
    EXPECT_EQ(api.ask("POST", "/payments/authorize", payment_of_shop_1, "shop-1"), 200U);
}

}  // namespace
}  // namespace florin::payments
