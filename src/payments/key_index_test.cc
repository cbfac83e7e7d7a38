#include "payments/key_index.h"

#include <map>

#include <gtest/gtest.h>

#include "payments/key_sealing.h"
#include "platform/base/manual_clock.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"

namespace florin::payments {
namespace {

std::string digest_of(std::uint64_t number) {
    Random random(number);
    std::string digest(16, '\0');
    for (char& byte : digest) byte = static_cast<char>(random.next());
    return digest;
}

class KeyIndexTest : public testing::Test {
protected:
    static constexpr std::int64_t run_keys = 8;

    KeyIndexTest() { open(); }
    void SetUp() override {
        if (store::TestDatabase::kind_asked_for() != store::TestDatabase::Kind::Sqlite)
            GTEST_SKIP() << "other databases find keys by their own index";
    }
    ~KeyIndexTest() override { close(); }

    void open() {
        metrics_ = std::make_unique<telemetry::Metrics>();
        loop_ = std::make_unique<runtime::Loop>("test");
        store_ = database_.open(*metrics_);
        keys_ = std::make_unique<KeyIndex>(run_keys);
        sealing_ = std::make_unique<KeySealing>(*loop_, *store_, clock_, *keys_, *metrics_);
    }
    void close() {
        sealing_.reset();
        store_.reset();
        loop_.reset();
        keys_.reset();
        metrics_.reset();
    }
    void restart() {
        close();
        open();
    }

    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop_, std::move(task));
    }
    std::optional<UsedKey> find(std::uint64_t number) {
        return get(store_->read(
            [&](store::Snapshot& snapshot) { return keys_->find(snapshot, digest_of(number)); }));
    }
    /// Stores the key if it is new; whether it was. `undone`: its transaction fails after all.
    bool insert(std::uint64_t number, const Uuid& payment, bool undone = false) {
        try {
            return get(store_->write([&](store::Transaction& tx) {
                const std::string digest = digest_of(number);
                const auto used =
                    keys_->take(tx, {digest, digest_of(number + 1'000'000), payment, payment});
                if (used) return false;
                if (undone) throw std::runtime_error("undone");
                return true;
            }));
        } catch (const std::runtime_error&) {
            return false;
        }
    }
    bool seal() { return get(sealing_->seal_one()); }
    std::int64_t count(const store::Sql& sql) {
        return get(store_->read([&](store::Snapshot& snapshot) {
            auto rows = snapshot.query(sql);
            rows.next();
            return rows.integer(0);
        }));
    }
    Uuid id() { return ids_.next(); }

    store::TestDatabase database_{store::TestSchema::product(), store::TestDatabase::Kind::Sqlite};
    ManualClock clock_;
    UuidGenerator ids_{clock_, 1};
    std::unique_ptr<telemetry::Metrics> metrics_;
    std::unique_ptr<runtime::Loop> loop_;
    std::unique_ptr<store::Store> store_;
    std::unique_ptr<KeyIndex> keys_;
    std::unique_ptr<KeySealing> sealing_;
};

TEST_F(KeyIndexTest, FindsWhatWasStoredAndNothingElse) {
    const Uuid payment = id();
    EXPECT_FALSE(find(1));
    EXPECT_TRUE(insert(1, payment));
    EXPECT_FALSE(insert(1, id()));
    const auto found = find(1);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->payment, payment);
    EXPECT_EQ(found->fingerprint, digest_of(1'000'001));
    EXPECT_FALSE(find(2));
}

TEST_F(KeyIndexTest, SealsARunOnceItIsFull) {
    for (std::uint64_t i = 0; i < run_keys - 1; ++i) EXPECT_TRUE(insert(i, id()));
    EXPECT_FALSE(seal());
    EXPECT_TRUE(insert(run_keys - 1, id()));
    EXPECT_TRUE(seal());
    EXPECT_FALSE(seal());
    for (std::uint64_t i = 0; i < run_keys; ++i) EXPECT_TRUE(find(i)) << i;
    EXPECT_FALSE(find(run_keys));
    restart();
    for (std::uint64_t i = 0; i < run_keys; ++i) EXPECT_TRUE(find(i)) << i;
}

TEST_F(KeyIndexTest, AKeyWhoseTransactionWasUndoneIsFree) {
    const Uuid payment = id();
    EXPECT_FALSE(insert(1, id(), true));
    EXPECT_FALSE(find(1));
    EXPECT_TRUE(insert(2, id()));  // it has the number that 1 had for a while
    EXPECT_FALSE(find(1));
    EXPECT_TRUE(insert(1, payment));
    EXPECT_EQ(find(1)->payment, payment);
}

TEST_F(KeyIndexTest, ASealingThatWasCutOffBeginsAgain) {
    for (std::uint64_t i = 0; i < run_keys; ++i) EXPECT_TRUE(insert(i, id()));
    get(store_->write([](store::Transaction& tx) {
        return tx.execute(
            store::Sql("INSERT INTO merchant_idempotency_run (run, digest, number)"
                       " SELECT 0, digest, number + 1 FROM merchant_idempotency_key"
                       " WHERE number <= 3"));
    }));
    restart();
    for (std::uint64_t i = 0; i < run_keys; ++i) EXPECT_TRUE(find(i)) << i;
    EXPECT_TRUE(seal());
    for (std::uint64_t i = 0; i < run_keys; ++i) EXPECT_TRUE(find(i)) << i;
    EXPECT_EQ(count(store::Sql("SELECT count(*) FROM merchant_idempotency_run")), run_keys);
}

TEST_F(KeyIndexTest, AgreesWithAMapWhateverHappens) {
    std::map<std::uint64_t, Uuid> model;
    Random random(7);
    for (int step = 0; step < 2'000; ++step) {
        const std::uint64_t key = random.next() % 400;
        const auto dice = random.next() % 100;
        if (dice < 60) {
            const Uuid payment = id();
            EXPECT_EQ(insert(key, payment), !model.contains(key)) << "step " << step;
            model.try_emplace(key, payment);
        } else if (dice < 70) {
            EXPECT_FALSE(insert(key, id(), true));
        } else if (dice < 95) {
            const auto found = find(key);
            ASSERT_EQ(found.has_value(), model.contains(key)) << "step " << step;
            if (found) {
                EXPECT_EQ(found->payment, model.at(key));
            }
        } else if (dice < 99) {
            seal();
        } else {
            restart();
        }
    }
    EXPECT_GT(model.size(), 300U);
    while (seal()) {
    }
    EXPECT_EQ(count(store::Sql("SELECT count(*) FROM merchant_idempotency_sealed")),
              static_cast<std::int64_t>(model.size()) / run_keys);
    for (const auto& [key, payment] : model) EXPECT_EQ(find(key)->payment, payment);
}

TEST(KeyFilterTest, KnowsEveryMemberAndTakesFewOthersForOne) {
    constexpr std::uint64_t members = 20'000;
    KeyFilter filter(members);
    for (std::uint64_t i = 0; i < members; ++i) filter.add(digest_of(i));
    const KeyFilter copy{std::string(filter.bytes())};
    int mistaken = 0;
    for (std::uint64_t i = 0; i < members; ++i) {
        EXPECT_TRUE(copy.may_have(digest_of(i)));
        mistaken += copy.may_have(digest_of(i + members)) ? 1 : 0;
    }
    EXPECT_LT(mistaken, 200);  // of 20,000
}

}  // namespace
}  // namespace florin::payments
