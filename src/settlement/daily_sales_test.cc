#include "settlement/daily_sales.h"

#include <gtest/gtest.h>

#include "platform/broker/consumer_group.h"
#include "platform/broker/dead_letters.h"
#include "platform/outbox/outbox.h"
#include "settlement/test_world.h"

namespace florin::settlement {
namespace {

class DailySalesTest : public testing::Test {
protected:
    void event(const std::string& type, const std::string& data,
               const std::string& source = "/florin/payments") {
        world_.get(world_.store->write([&](store::Transaction& tx) {
            UuidGenerator ids(world_.clock, ++seed_);
            outbox::append(
                tx, {ids.next(), type, "merchant_payment", "p",
                     R"({"source":")" + source + R"(","data":)" + data + "}", world_.clock.now()});
            return 0;
        }));
    }
    static std::string money(const std::string& merchant, std::int64_t amount,
                             const std::string& currency = "KRW") {
        return R"({"merchantId":")" + merchant + R"(","currency":")" + currency + R"(","amount":)" +
               std::to_string(amount) + "}";
    }
    /// A group that begins anew goes on where the last one stopped.
    void catch_up() {
        DailySalesConsumer consumer(world_.options.calendar);
        broker::ConsumerGroup group(*world_.loop, *world_.store, consumer, world_.clock, {},
                                    *world_.metrics);
        while (world_.get(group.step()) == broker::ConsumerGroup::Step::Behind) {
        }
    }
    std::vector<DailySales> sales(DailySalesFilter filter) {
        return world_.get(world_.store->read(
            [&](store::Snapshot& snapshot) { return list_daily_sales(snapshot, filter); }));
    }

    TestWorld world_;
    std::uint64_t seed_ = 0;
};

TEST_F(DailySalesTest, AddsUpByMerchantDayAndCurrency) {
    event("payment.captured", money("shop", 1'000));
    event("payment.captured", money("shop", 500));
    event("payment.authorized", money("shop", 9'999));
    event("payment.refunded", money("shop", 300));
    event("payment.captured", money("shop", 7, "USD"));
    event("payment.captured", money("other", 1));
    catch_up();
    world_.clock.advance(std::chrono::hours(24));
    event("payment.captured", money("shop", 20));
    catch_up();
    catch_up();
    const auto days = sales({.merchant = "shop", .from = {}, .through = {}});
    ASSERT_EQ(days.size(), 3U);
    EXPECT_EQ(days[0].captures, (Line{1, 20}));
    EXPECT_EQ(days[1].currency, "KRW");
    EXPECT_EQ(days[1].captures, (Line{2, 1'500}));
    EXPECT_EQ(days[1].refunds, (Line{1, 300}));
    EXPECT_EQ(days[2].captures, (Line{1, 7}));
    EXPECT_EQ(days[1].day.next(), days[0].day);
    EXPECT_EQ(sales({.merchant = "shop", .from = days[0].day, .through = {}}).size(), 1U);
    EXPECT_EQ(sales({.merchant = "shop", .from = {}, .through = days[1].day}).size(), 2U);
    EXPECT_EQ(sales({.merchant = "shop", .from = {}, .through = {}, .limit = 1}).size(), 1U);
    EXPECT_TRUE(sales({.merchant = "nobody", .from = {}, .through = {}}).empty());
}

TEST_F(DailySalesTest, LaysAsideWhatIsNotTheEventOfAPayment) {
    event("payment.captured", R"({"merchantId":"shop"})");
    event("payment.captured", R"("text")");
    event("payment.captured", money("shop", 1));
    catch_up();
    EXPECT_EQ(sales({.merchant = "shop", .from = {}, .through = {}}).front().captures,
              (Line{1, 1}));
    EXPECT_EQ(world_.get(world_.store->read([](store::Snapshot& snapshot) {
        return broker::dead_letters::count_waiting(snapshot, "daily-sales");
    })),
              2);
}

TEST_F(DailySalesTest, LeavesRefundsOfTheSimulatorToOthers) {
    event("payment.refunded", R"({"payment_id":"pay-1","amount":5})", "/florin/gateway");
    catch_up();
    EXPECT_TRUE(world_.get(world_.store->read([](store::Snapshot& snapshot) {
        return broker::dead_letters::count_waiting(snapshot, "daily-sales");
    })) == 0);
}

TEST_F(DailySalesTest, ShowsTheDayAndWhatIsLeftOfIt) {
    event("payment.captured", money("shop", 1'000));
    event("payment.refunded", money("shop", 1'200));
    catch_up();
    const auto days = sales({.merchant = "shop", .from = {}, .through = {}});
    EXPECT_EQ(daily_sales_json("shop", days),
              R"({"merchantId":"shop","days":[{"day":")" + text_of(days.front().day) +
                  R"(","currency":"KRW","captures":{"count":1,"amount":1000},)"
                  R"("refunds":{"count":1,"amount":1200},"net":-200}]})");
}

}  // namespace
}  // namespace florin::settlement
