#include "merchants/http_api.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "merchants/test_world.h"
#include "platform/http/server.h"

namespace florin::merchants {
namespace {

namespace json = boost::json;

/// The operator's face over a world.
class HttpWorld : public TestWorld {
public:
    explicit HttpWorld(KeysApiSettings chosen = {}) : settings(std::move(chosen)) {
        add_key_routes(router, *service, clock, settings);
    }

    http::Response ask(std::string method, std::string path, std::string body = "",
                       std::vector<std::pair<std::string, std::string>> query = {},
                       std::string authorization = "") {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        request.body = std::move(body);
        request.trace_id = "trace-of-a-test";
        if (!authorization.empty()) request.headers.add("Authorization", std::move(authorization));
        return get(router.serve(std::move(request)));
    }
    json::object ask_json(unsigned status, std::string method, std::string path,
                          std::string body = "",
                          std::vector<std::pair<std::string, std::string>> query = {}) {
        const auto response =
            ask(std::move(method), std::move(path), std::move(body), std::move(query));
        EXPECT_EQ(response.status, status) << response.body;
        return json::parse(response.body).as_object();
    }

    const KeysApiSettings settings;
    http::Router router;
};

std::string text_of(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

TEST(KeysApi, ShowsTheTextOfANewKeyOnce) {
    HttpWorld world;
    const auto response = world.ask("POST", "/api/merchants/shop-1/keys",
                                    R"({"name":"till","scopes":["payments:read"],)"
                                    R"("expiresInDays":30})");
    ASSERT_EQ(response.status, 201U) << response.body;
    EXPECT_EQ(response.headers.get("Cache-Control"), "no-store");
    const auto made = json::parse(response.body).as_object();
    const std::string key = text_of(made, "key");
    EXPECT_TRUE(has_key_form(key));
    EXPECT_EQ(text_of(made, "name"), "till");
    EXPECT_EQ(json::serialize(made.at("scopes")), R"(["payments:read"])");
    EXPECT_EQ(text_of(made, "expiresAt"), "2023-12-14T22:13:20.000Z");
    EXPECT_EQ(world.check(key, Scope::PaymentsRead), std::nullopt);
    for (const std::string path : {"/api/merchants/shop-1/keys", "/api/merchant-keys"}) {
        const auto list = world.ask("GET", path).body;
        EXPECT_NE(list.find(text_of(made, "keyId")), std::string::npos);
        EXPECT_EQ(list.find(key), std::string::npos);
    }
}

TEST(KeysApi, AnEmptyBodyMeansEveryScopeAndNoEnd) {
    HttpWorld world;
    const auto made = world.ask_json(201, "POST", "/api/merchants/shop-1/keys");
    EXPECT_EQ(made.at("scopes").as_array().size(), 3U);
    EXPECT_TRUE(made.at("expiresAt").is_null());
    EXPECT_EQ(text_of(made, "state"), "active");
}

TEST(KeysApi, RotatesWithTheGraceOfTheSettingOrItsOwn) {
    HttpWorld world;
    const auto made = world.ask_json(201, "POST", "/api/merchants/shop-1/keys");
    const std::string path = "/api/merchants/shop-1/keys/" + text_of(made, "keyId") + "/rotate";
    auto rotated = world.ask_json(201, "POST", path);
    const auto& replaced = rotated.at("replaces").as_object();
    EXPECT_EQ(text_of(replaced, "keyId"), text_of(made, "keyId"));
    EXPECT_EQ(text_of(replaced, "state"), "retiring");
    EXPECT_EQ(text_of(replaced, "expiresAt"), "2023-11-15T22:13:20.000Z");
    EXPECT_FALSE(replaced.contains("key"));
    EXPECT_EQ(world.check(text_of(made, "key")), std::nullopt);
    EXPECT_EQ(world.check(text_of(rotated, "key")), std::nullopt);
    rotated = world.ask_json(201, "POST", path, R"({"graceHours":0})");
    EXPECT_EQ(world.check(text_of(made, "key")), Denial::Expired);
    EXPECT_EQ(world.ask("POST", path).status, 409U) << "it has ended";
}

TEST(KeysApi, RevokesForGood) {
    HttpWorld world;
    const auto made = world.ask_json(201, "POST", "/api/merchants/shop-1/keys");
    const std::string id = text_of(made, "keyId");
    const std::string path = "/api/merchants/shop-1/keys/" + id;
    EXPECT_EQ(world.ask("DELETE", "/api/merchants/shop-2/keys/" + id).status, 404U);
    EXPECT_EQ(world.check(text_of(made, "key")), std::nullopt);
    EXPECT_EQ(text_of(world.ask_json(200, "DELETE", path), "state"), "revoked");
    EXPECT_EQ(world.check(text_of(made, "key")), Denial::Revoked);
    EXPECT_EQ(text_of(world.ask_json(200, "DELETE", path), "state"), "revoked");
    EXPECT_EQ(text_of(world.ask_json(200, "GET", "/api/merchant-keys/" + id), "state"), "revoked");
}

TEST(KeysApi, PagesThroughKeys) {
    HttpWorld world;
    for (int i = 0; i < 5; ++i) world.issue("shop-1");
    std::vector<std::pair<std::string, std::string>> query = {{"limit", "2"}};
    std::size_t seen = 0;
    for (;;) {
        const auto page = world.ask_json(200, "GET", "/api/merchants/shop-1/keys", "", query);
        seen += page.at("keys").as_array().size();
        if (page.at("nextCursor").is_null()) break;
        query = {{"limit", "2"}, {"cursor", text_of(page, "nextCursor")}};
    }
    EXPECT_EQ(seen, 5U);
}

TEST(KeysApi, SaysWhatIsWrongWithARequest) {
    HttpWorld world;
    struct Case {
        const char* body;
        const char* complaint;
    };
    for (const auto& [body, complaint] :
         {Case{"nope", "not JSON"}, Case{"[]", "not a JSON object"},
          Case{R"({"scope":["payments:read"]})", "there is no field"},
          Case{R"({"scopes":[]})", "scopes is []"},
          Case{R"({"scopes":["payments:all"]})", "payments:all"},
          Case{R"({"scopes":"payments:read"})", "scopes is"}, Case{R"({"name":7})", "name is 7"},
          Case{R"({"name":"a\nb"})", "name is"}, Case{R"({"expiresInDays":0})", "from 1 to 3650"},
          Case{R"({"expiresInDays":1.5})", "expiresInDays is"}}) {
        SCOPED_TRACE(body);
        const auto response = world.ask("POST", "/api/merchants/shop-1/keys", body);
        EXPECT_EQ(response.status, 400U);
        EXPECT_EQ(response.content_type, "application/problem+json");
        EXPECT_NE(response.body.find(complaint), std::string::npos) << response.body;
    }
    const std::string long_name(33, 'x');
    EXPECT_EQ(world.ask("POST", "/api/merchants/" + long_name + "/keys").status, 400U);
    EXPECT_EQ(world.ask("GET", "/api/merchant-keys", "", {{"limit", "101"}}).status, 400U);
    EXPECT_EQ(world.ask("GET", "/api/merchant-keys", "", {{"cursor", "x"}}).status, 400U);
    EXPECT_EQ(world.ask("GET", "/api/merchant-keys/x").status, 404U);
    EXPECT_EQ(world.ask("POST", "/api/merchants/shop-1/keys/x/rotate").status, 404U);
    EXPECT_EQ(world.ask("DELETE", "/api/merchants/shop-1/keys/x").status, 404U);
}

TEST(KeysApi, IsForTheOperatorAlone) {
    HttpWorld world({.access = {.token = "s3cret", .token_required = true}});
    EXPECT_EQ(world.ask("POST", "/api/merchants/shop-1/keys").status, 401U);
    EXPECT_EQ(world.ask("GET", "/api/merchant-keys", "", {}, "Bearer wrong").status, 401U);
    EXPECT_EQ(world.ask("GET", "/api/merchant-keys", "", {}, "Bearer s3cret").status, 200U);
    HttpWorld closed({.access = {.token = "", .token_required = true}});
    EXPECT_EQ(closed.ask("POST", "/api/merchants/shop-1/keys").status, 403U);
}

}  // namespace
}  // namespace florin::merchants
