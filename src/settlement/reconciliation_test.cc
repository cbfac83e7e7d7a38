#include "settlement/reconciliation.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "payments/test_world.h"

namespace florin::settlement {
namespace {

using payments::Operation;
using payments::Payment;
using Standing = GatewayRecord::Standing;

/// The records of the world's fake gateway, in pages of two.
class FakeRecords final : public GatewayRecords {
public:
    [[nodiscard]] std::string_view gateway() const override { return "fake"; }
    awaitable<std::expected<GatewayRecordPage, std::string>> page(std::string merchant,
                                                                  std::string next) override {
        EXPECT_EQ(merchant, "remote");
        if (deaf) co_return std::unexpected("the gateway is down");
        std::size_t at = next.empty() ? 0 : std::stoul(next);
        GatewayRecordPage page;
        for (; at < records.size() && page.records.size() < 2; ++at)
            page.records.push_back(records[at]);
        if (at < records.size()) page.next = std::to_string(at);
        co_return page;
    }

    void record(const Payment& payment, Standing standing) {
        records.insert(records.begin(),
                       {"pay-" + payment.id.text(), payment.id,
                        Money{payment.amount, payment.currency}, standing, payment.requested_at});
    }

    std::vector<GatewayRecord> records;  // newest first
    bool deaf = false;
};

class ReconciliationTest : public ::testing::Test {
protected:
    std::expected<ComparisonReport, std::string> run() {
        ComparisonReport report;
        const Instant now = world.clock.now();
        const auto done =
            world.get(reconcile(*world.store, records, "remote", now - std::chrono::hours(12),
                                now + std::chrono::hours(12), report));
        if (!done) return std::unexpected(done.error());
        return report;
    }
    void change(Operation operation, const Payment& payment) {
        EXPECT_TRUE(
            world.get(world.service->change(world.change(operation, payment, std::nullopt, "key")))
                .has_value());
    }

    payments::TestWorld world;
    FakeRecords records;
};

TEST_F(ReconciliationTest, AgreesWithAGatewayThatRecordedTheSame) {
    for (int i = 0; i < 5; ++i) {
        records.record(world.authorized("remote", 1'000), Standing::Paid);
        world.clock.advance(Seconds(60));
    }
    const Payment voided = world.authorized("remote", 500);
    change(Operation::Void, voided);
    records.record(voided, Standing::GivenBack);
    world.authorized("shop-1", 100);  // the rules took this one
    const auto report = run();
    ASSERT_TRUE(report.has_value());
    EXPECT_TRUE(report->all_well());
    EXPECT_EQ(report->matched, 6);
}

TEST_F(ReconciliationTest, FindsWhatOneSideForgotAndWhatTheyTellDifferently) {
    const Payment forgotten = world.authorized("remote", 1'000);
    const Payment refunded = world.authorized("remote", 2'000);
    records.record(refunded, Standing::GivenBack);
    Payment unknown = world.authorized("remote", 3'000);
    records.record(unknown, Standing::Paid);
    unknown.id.bytes[15] ^= 0x01U;
    records.record(unknown, Standing::Paid);
    const auto report = run();
    ASSERT_TRUE(report.has_value());
    EXPECT_FALSE(report->all_well());
    EXPECT_EQ(report->matched, 1);
    ASSERT_EQ(report->missing_there.count, 1);
    EXPECT_EQ(report->missing_there.told[0].payment, forgotten.id);
    ASSERT_EQ(report->missing_here.count, 1);
    EXPECT_EQ(report->missing_here.told[0].payment, unknown.id);
    ASSERT_EQ(report->differing.count, 1);
    EXPECT_EQ(report->differing.told[0].payment, refunded.id);
    EXPECT_EQ(report->differing.told[0].here, "2000 KRW AUTHORIZED");
}

TEST_F(ReconciliationTest, SaysWhenTheGatewayDoesNotTell) {
    world.authorized("remote", 1'000);
    records.deaf = true;
    EXPECT_EQ(run().error(), "the gateway is down");
}

}  // namespace
}  // namespace florin::settlement
