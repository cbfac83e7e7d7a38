#include "platform/http/list_query.h"

#include <gtest/gtest.h>

namespace florin::http {
namespace {

Request with(std::string name, std::string value) {
    Request request;
    request.query = {{std::move(name), std::move(value)}};
    return request;
}

TEST(ListQuery, ReadsHowManyEntriesAreAskedFor) {
    EXPECT_EQ(limit_of({}), 20);
    EXPECT_EQ(limit_of(with("limit", "")), 20) << "forms send empty fields";
    EXPECT_EQ(limit_of(with("limit", "1")), 1);
    EXPECT_EQ(limit_of(with("limit", "100")), 100);
    EXPECT_EQ(limit_of(with("limit", "1000"), 1'000), 1'000);
    for (const char* wrong : {"0", "-1", "101", "1.5", "10x", " 10", "99999999999"})
        EXPECT_EQ(limit_of(with("limit", wrong)), std::nullopt) << wrong;
}

TEST(ListQuery, SaysWhatAParameterIsAndWhatItTakes) {
    const auto request = with("state", "DONE" + std::string(100, '!'));
    const auto answer = invalid_parameter(request, "state", "pending or dead");
    EXPECT_EQ(answer.status, 400U);
    EXPECT_NE(answer.body.find("invalid_parameter"), std::string::npos);
    EXPECT_EQ(complaint_about(request, "state", "pending or dead"),
              "state is \"DONE" + std::string(60, '!') + "\"; it takes pending or dead");
}

}  // namespace
}  // namespace florin::http
