#include "loadgen/flows_answer.h"

#include <gtest/gtest.h>

namespace florin::loadgen {
namespace {

constexpr const char* id = "0193a1b2-0000-7000-8000-000000000001";

std::string payment(const std::string& entries) {
    return std::string(R"({"paymentId":")") + id +
           R"(","merchantId":"shop","status":"CAPTURED","amount":700,"currency":"KRW",)" +
           R"("capturedAmount":700,"refundedAmount":0,"ledgerEntries":[)" + entries + "]}";
}

std::string entry(const std::string& debit, int amount) {
    return R"({"debitAccount":")" + debit + R"(","creditAccount":"merchant_payable","amount":)" +
           std::to_string(amount) + "}";
}

TEST(FlowAnswer, ReadsAPayment) {
    const auto seen = parse_payment(payment(entry("cash", 700)));
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->id.text(), id);
    EXPECT_EQ(seen->state, payments::State::Captured);
    EXPECT_EQ(seen->amount, 700);
    EXPECT_EQ(seen->captured, 700);
    EXPECT_EQ(seen->refunded, 0);
    EXPECT_NE(seen->entries, 0U);
}

TEST(FlowAnswer, IsNothingWhenItIsNoPayment) {
    for (
        const char* text :
        {"", "{", "[]", "null", "7", R"({"code":"NOT_FOUND"})", R"({"paymentId":"x"})",
         R"({"paymentId":"0193a1b2-0000-7000-8000-000000000001","status":"ODD","amount":1,"capturedAmount":0,"refundedAmount":0})",
         R"({"paymentId":"0193a1b2-0000-7000-8000-000000000001","status":"CAPTURED","amount":"1","capturedAmount":0,"refundedAmount":0})"}) {
        EXPECT_FALSE(parse_payment(text)) << text;
        EXPECT_FALSE(parse_page(text)) << text;
    }
}

TEST(FlowAnswer, TheSumOfEntriesSeesWhatIsMissingDoubledOrDifferentButNoOrder) {
    const auto sum = [](const std::string& entries) {
        return parse_payment(payment(entries))->entries;
    };
    const auto one = entry("cash", 700);
    const auto other = entry("fee_revenue", 7);
    EXPECT_EQ(sum(one + "," + other), sum(other + "," + one));
    EXPECT_EQ(sum(one + "," + other), sum(one) + sum(other));
    EXPECT_NE(sum(one + "," + one), sum(one));
    EXPECT_NE(sum(entry("cash", 701)), sum(one));
    EXPECT_NE(sum(entry("fee_revenue", 700)), sum(one));
    EXPECT_EQ(sum(""), 0U);
}

TEST(FlowAnswer, ReadsAPageAndWhetherAnotherFollows) {
    const auto page = parse_page(R"({"payments":[)" + payment("") + "," + payment("") +
                                 R"(],"nextCursor":"abc"})");
    ASSERT_TRUE(page);
    EXPECT_EQ(page->payments.size(), 2U);
    EXPECT_EQ(page->next, "abc");
    EXPECT_EQ(parse_page(R"({"payments":[],"nextCursor":null})")->next, "");
    EXPECT_FALSE(parse_page(R"({"payments":[{}],"nextCursor":null})"));
}

TEST(FlowAnswer, FindsACounterByItsWholeName) {
    const std::string metrics =
        "# HELP requests_total What came\n"
        "requests_total{kind=\"a\"} 12\n"
        "requests_total{kind=\"b\"} 3e+06\n"
        "requests_totals 7\n";
    EXPECT_EQ(counter_in(metrics, R"(requests_total{kind="a"})"), 12);
    EXPECT_EQ(counter_in(metrics, R"(requests_total{kind="b"})"), 3e6);
    EXPECT_EQ(counter_in(metrics, "requests_total"), 0);
    EXPECT_EQ(counter_in(metrics, "requests_totals"), 7);
    EXPECT_EQ(counter_in("", "requests_totals"), 0);
}

}  // namespace
}  // namespace florin::loadgen
