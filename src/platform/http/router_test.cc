#include <optional>

#include <gtest/gtest.h>

#include "platform/http/server.h"
#include "platform/runtime/loop.h"

namespace florin::http {
namespace {

Handler answer(std::string name) {
    return [name = std::move(name)](Request request) -> awaitable<Response> {
        std::string text = name;
        for (const auto& [key, value] : request.path_parameters) text += " " + key + "=" + value;
        co_return json(200, text);
    };
}

struct Served {
    Response response;
    std::string route;
};

awaitable<void> serve_into(const Router& router, Request request, Served& served,
                           runtime::Loop& loop) {
    std::string_view route;
    served.response = co_await router.serve(std::move(request), route);
    served.route = route;
    loop.stop();
}

Served serve(const Router& router, std::string method, std::string path) {
    runtime::Loop loop("router test");
    Request request;
    request.method = std::move(method);
    request.path = std::move(path);
    Served served;
    runtime::spawn(loop, "serve", serve_into(router, std::move(request), served, loop));
    loop.run();
    return served;
}

class RouterTest : public ::testing::Test {
protected:
    RouterTest() {
        router_.add("GET", "/", answer("root"));
        router_.add("GET", "/items", answer("list"));
        router_.add("POST", "/items", answer("create"));
        router_.add("GET", "/items/{id}", answer("item"));
        router_.add("GET", "/items/latest", answer("latest"));
        router_.add("GET", "/items/{id}/parts/{part}", answer("part"));
        router_.add("POST", "/items/import", answer("import"));
    }
    Router router_;
};

TEST_F(RouterTest, AnEscapedSlashBelongsToItsSegment) {
    EXPECT_EQ(serve(router_, "GET", "/items/a%2Fb").response.body, "item id=a/b");
    EXPECT_EQ(serve(router_, "GET", "/items/a%2Fb/parts/%25%2F").response.body,
              "part id=a/b part=%/");
    EXPECT_EQ(serve(router_, "GET", "/items/%252F").response.body, "item id=%2F");
    EXPECT_EQ(serve(router_, "GET", "/items%2Flatest").response.status, 404U);
}

TEST_F(RouterTest, FindsTheHandlerThatFitsBest) {
    struct Case {
        const char* method;
        const char* path;
        const char* answer;
        const char* route;
    };
    for (const auto& [method, path, text, route] : {
             Case{"GET", "/", "root", "/"},
             Case{"GET", "/items", "list", "/items"},
             Case{"POST", "/items", "create", "/items"},
             Case{"HEAD", "/items", "list", "/items"},
             Case{"GET", "/items/7", "item id=7", "/items/{id}"},
             Case{"GET", "/items/latest", "latest", "/items/latest"},
             Case{"GET", "/items/7/parts/a b", "part id=7 part=a b", "/items/{id}/parts/{part}"},
         }) {
        SCOPED_TRACE(path);
        const auto served = serve(router_, method, path);
        EXPECT_EQ(served.response.status, 200U);
        EXPECT_EQ(served.response.body, text);
        EXPECT_EQ(served.route, route);
    }
}

TEST_F(RouterTest, SaysWhatItDoesNotHave) {
    struct Case {
        const char* method;
        const char* path;
        unsigned status;
        const char* allow;
    };
    for (const auto& [method, path, status, allow] : {
             Case{"GET", "/other", 404, ""},
             Case{"GET", "/items/", 404, ""},
             Case{"GET", "//items", 404, ""},
             Case{"GET", "/items/7/parts", 404, ""},
             Case{"OPTIONS", "/other", 404, ""},
             Case{"DELETE", "/items", 405, "GET, HEAD, OPTIONS, POST"},
             Case{"POST", "/items/7", 405, "GET, HEAD, OPTIONS"},
             Case{"GET", "/items/import", 405, "OPTIONS, POST"},
             Case{"OPTIONS", "/items", 204, "GET, HEAD, OPTIONS, POST"},
             Case{"OPTIONS", "*", 204, "GET, HEAD, OPTIONS, POST"},
         }) {
        SCOPED_TRACE(std::string(method) + " " + path);
        const auto served = serve(router_, method, path);
        EXPECT_EQ(served.response.status, status);
        EXPECT_EQ(served.response.headers.get("Allow"), allow);
        EXPECT_EQ(served.route, "none");
    }
}

TEST_F(RouterTest, LeavesUnknownPathsToItsFallback) {
    router_.set_fallback(answer("fallback"));
    EXPECT_EQ(serve(router_, "GET", "/other").response.body, "fallback");
    EXPECT_EQ(serve(router_, "DELETE", "/items").response.status, 405U);
}

TEST_F(RouterTest, ListsItsRoutes) {
    EXPECT_EQ(router_.routes(),
              (std::vector<std::string>{"GET /", "GET /items", "GET /items/latest",
                                        "GET /items/{id}", "GET /items/{id}/parts/{part}",
                                        "POST /items", "POST /items/import"}));
}

}  // namespace
}  // namespace florin::http
