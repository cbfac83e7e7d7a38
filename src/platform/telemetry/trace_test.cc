#include "platform/telemetry/trace.h"

#include <gtest/gtest.h>

namespace florin::telemetry {
namespace {

constexpr std::string_view id = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string valid = "00-" + std::string(id) + "-00f067aa0ba902b7-01";

TEST(Trace, TakesTheIdOfAValidTraceparent) {
    EXPECT_EQ(trace_id_of(valid), id);
    EXPECT_EQ(trace_id_of("cc" + valid.substr(2) + "-later"), id);
}

TEST(Trace, RefusesABrokenTraceparent) {
    std::string zero_id = valid;
    zero_id.replace(3, 32, 32, '0');
    std::string zero_parent = valid;
    zero_parent.replace(36, 16, 16, '0');
    std::string upper = valid;
    upper[3] = 'A';
    for (const std::string& header :
         {std::string(), std::string("00"), valid.substr(1), valid + "-more",
          "ff" + valid.substr(2), "cc" + valid.substr(2) + "later", zero_id, zero_parent, upper}) {
        EXPECT_EQ(trace_id_of(header), std::nullopt) << header;
    }
}

TEST(Trace, ChoosesTraceparentThenCorrelationIdThenANewOne) {
    EXPECT_EQ(choose_trace_id(valid, "order-1", 1), id);
    EXPECT_EQ(choose_trace_id("broken", "order-1.A_b", 1), "order-1.A_b");
    for (const std::string& unusable :
         {std::string(), std::string("two words"), std::string("a\nb"), std::string(65, 'a')}) {
        const std::string made = choose_trace_id("", unusable, 1);
        EXPECT_EQ(made.size(), 32U);
        EXPECT_EQ(made.find_first_not_of("0123456789abcdef"), std::string::npos);
    }
    EXPECT_NE(choose_trace_id("", "", 1), choose_trace_id("", "", 2));
}

TEST(Trace, GoesOnInCallsOfOurOwn) {
    const std::string first = traceparent_of(id, 1);
    EXPECT_EQ(trace_id_of(first), id);
    EXPECT_TRUE(first.ends_with("-01"));
    EXPECT_NE(first, traceparent_of(id, 2));
    EXPECT_EQ(trace_id_of(traceparent_of(id, 0)), id);
    const std::string made = choose_trace_id("", "", 7);
    EXPECT_EQ(trace_id_of(traceparent_of(made, 7)), made);
    for (const std::string& other : {std::string(), std::string("order-1"), std::string(32, '0'),
                                     std::string(32, 'A'), std::string(31, 'a')}) {
        EXPECT_EQ(traceparent_of(other, 1), "") << other;
    }
}

}  // namespace
}  // namespace florin::telemetry
