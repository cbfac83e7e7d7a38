#include "web/api_docs.h"

#include <string>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/http/server.h"
#include "platform/runtime/result_of.h"
#include "web/assets.h"

namespace florin::web {
namespace {

namespace json = boost::json;
using http::Response;

class ApiDocs : public ::testing::Test {
protected:
    ApiDocs() { add_docs_routes(router_); }

    Response ask(std::string path, http::Headers headers = {}) {
        http::Request request;
        request.method = "GET";
        request.path = std::move(path);
        request.headers = std::move(headers);
        runtime::Loop loop("api docs test");
        return runtime::result_of(loop, router_.serve(std::move(request)));
    }

    http::Router router_;
};

TEST_F(ApiDocs, OfferTheDescriptionAsYamlAndJson) {
    const auto yaml = ask("/openapi.yaml");
    EXPECT_EQ(yaml.status, 200U);
    EXPECT_EQ(yaml.content_type, "application/yaml");
    EXPECT_TRUE(yaml.body.starts_with("openapi: 3.1.0\n"));
    const auto parsed = json::parse(ask("/openapi.json").body);
    EXPECT_EQ(parsed.at("openapi").as_string(), "3.1.0");
    EXPECT_TRUE(parsed.at("paths").as_object().contains("/payments/authorize"));
}

TEST_F(ApiDocs, ComeCompressedToWhoTakesIt) {
    const auto plain = ask("/openapi.json");
    EXPECT_EQ(plain.headers.get("Content-Encoding"), "");
    const auto packed = ask("/openapi.json", {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(packed.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(packed.headers.get("Vary"), "Accept-Encoding");
    EXPECT_TRUE(packed.body.starts_with("\x1F\x8B"));
    EXPECT_LT(packed.body.size(), plain.body.size() / 3);
    EXPECT_NE(packed.headers.get("ETag"), plain.headers.get("ETag"));
}

TEST_F(ApiDocs, AreNotSentAgainToWhoHasThem) {
    const auto first = ask("/openapi.yaml");
    const std::string tag(first.headers.get("ETag"));
    EXPECT_TRUE(tag.starts_with('"') && tag.ends_with('"'));
    for (const std::string& known : {tag, "\"other\", " + tag, std::string("*")}) {
        const auto again = ask("/openapi.yaml", {{"If-None-Match", known}});
        EXPECT_EQ(again.status, 304U) << known;
        EXPECT_TRUE(again.body.empty());
        EXPECT_EQ(again.headers.get("ETag"), tag);
    }
    EXPECT_EQ(ask("/openapi.yaml", {{"If-None-Match", "\"other\""}}).status, 200U);
}

TEST_F(ApiDocs, ShowAPageThatNeedsNothingFromElsewhere) {
    const auto page = ask("/swagger-ui.html");
    EXPECT_EQ(page.status, 200U);
    EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
    EXPECT_TRUE(page.headers.get("Content-Security-Policy").starts_with("default-src 'none'"));
    EXPECT_EQ(page.body.find("://"), std::string::npos);
    EXPECT_NE(page.body.find("openapi.yaml"), std::string::npos);
}

TEST_F(ApiDocs, HaveEveryFileThatThePageNames) {
    const std::string page = ask("/swagger-ui.html").body;
    for (auto at = page.find("\"swagger-ui/"); at != std::string::npos;
         at = page.find("\"swagger-ui/", at + 1)) {
        const std::string name = page.substr(at + 1, page.find('"', at + 1) - at - 1);
        EXPECT_EQ(ask("/" + name).status, 200U) << name;
    }
    EXPECT_EQ(ask("/swagger-ui/other.js").status, 404U);
    EXPECT_EQ(ask("/swagger-ui/../openapi.yaml").status, 404U);
}

}  // namespace
}  // namespace florin::web
