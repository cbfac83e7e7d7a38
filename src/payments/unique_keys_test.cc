#include "payments/unique_keys.h"

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::payments {
namespace {

/// Two processes over one database, on one loop.
class UniqueKeysTest : public testing::Test {
protected:
    void SetUp() override {
        if (store::TestDatabase::kind_asked_for() == store::TestDatabase::Kind::Sqlite)
            GTEST_SKIP() << "a database of one process finds keys in another way";
        for (auto& store : stores) store = database.open(metrics);
    }

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(loop, std::move(task));
    }
    UsedKey key(char digest) {
        return {std::string(16, digest), std::string(16, 'f'), ids.next(), ids.next()};
    }
    awaitable<void> take(store::Store& store, UsedKey wanted, std::vector<Uuid>& payments) {
        const auto used =
            co_await store.write([&](store::Transaction& tx) { return keys.take(tx, wanted); });
        payments.push_back(used ? used->payment : wanted.payment);
    }

    UniqueKeys keys;
    ManualClock clock;
    UuidGenerator ids{clock, 1};
    telemetry::Metrics metrics;
    runtime::Loop loop{"test"};
    store::TestDatabase database;
    std::array<std::unique_ptr<store::Store>, 2> stores;
};

TEST_F(UniqueKeysTest, AKeyIsTakenOnceAndTellsWhatItWasUsedFor) {
    const UsedKey mine = key('a');
    const auto take = [&](const UsedKey& wanted) {
        return get(stores[0]->write([&](store::Transaction& tx) { return keys.take(tx, wanted); }));
    };
    EXPECT_FALSE(take(mine));
    const auto used = take(key('a'));
    ASSERT_TRUE(used);
    EXPECT_EQ(used->payment, mine.payment);
    EXPECT_EQ(used->answer_id, mine.answer_id);
    EXPECT_EQ(used->fingerprint, mine.fingerprint);
    const auto found = get(stores[1]->read(
        [&](store::Snapshot& snapshot) { return keys.find(snapshot, mine.digest); }));
    ASSERT_TRUE(found) << "another process sees it";
    EXPECT_EQ(found->payment, mine.payment);
    EXPECT_FALSE(take(key('b')));
}

TEST_F(UniqueKeysTest, AKeyWhoseTransactionWasUndoneIsFree) {
    const UsedKey undone = key('a');
    const auto refused =
        get(stores[0]->write([&](store::Transaction& tx) -> std::expected<int, std::string> {
            keys.take(tx, undone);
            return std::unexpected("refused after all");
        }));
    EXPECT_FALSE(refused);
    EXPECT_FALSE(
        get(stores[1]->write([&](store::Transaction& tx) { return keys.take(tx, key('a')); })));
}

TEST_F(UniqueKeysTest, OfTwinsInTwoProcessesOneGetsIt) {
    for (char digest = 'a'; digest <= 'z'; ++digest) {
        std::vector<Uuid> payments;
        for (auto& store : stores)
            runtime::spawn(loop, "twin", take(*store, key(digest), payments));
        EXPECT_TRUE(get(store::eventually([&] { return payments.size() == 2; })));
        EXPECT_EQ(payments[0], payments[1]) << digest;
    }
}

}  // namespace
}  // namespace florin::payments
