#include "web/start_page.h"

#include <string>

#include <gtest/gtest.h>

#include "platform/http/server.h"
#include "platform/runtime/result_of.h"

namespace florin::web {
namespace {

http::Response page(StartPagePorts ports) {
    http::Router router;
    add_start_page(router, ports);
    http::Request request;
    request.method = "GET";
    request.path = "/";
    runtime::Loop loop("start page test");
    return runtime::result_of(loop, router.serve(std::move(request)));
}

TEST(StartPage, NamesThePortsOfThisProcess) {
    const auto response = page({.grpc = 18030, .health = 18031});
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
    EXPECT_NE(response.body.find(":18030</code> gRPC"), std::string::npos);
    EXPECT_NE(response.body.find("data-port=\"18031\""), std::string::npos);
    EXPECT_NE(response.body.find("href=\"/swagger-ui.html\""), std::string::npos);
}

TEST(StartPage, LeavesOutWhatThisProcessHasNot) {
    const auto response = page({.grpc = 0, .health = 18031});
    EXPECT_EQ(response.body.find("gRPC"), std::string::npos);
}

}  // namespace
}  // namespace florin::web
