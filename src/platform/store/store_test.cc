// What every store does, whatever is behind it: the suite runs once for each adapter.

#include "platform/store/store.h"

#include <semaphore>

#include <gtest/gtest.h>

#include "platform/base/uuid.h"
#include "platform/store/buckets.h"
#include "platform/store/sqlite_store.h"
#include "platform/store/store_test_support.h"

namespace florin::store {
namespace {

using Kind = TestDatabase::Kind;

struct Adapter {
    const char* name;
    Kind kind;
    bool ephemeral;
};

void PrintTo(const Adapter& adapter, std::ostream* out) {
    *out << adapter.name;
}

std::vector<Adapter> adapters() {
    if (TestDatabase::kind_asked_for() == Kind::Mariadb) return {{"Mariadb", Kind::Mariadb, false}};
    return {{"SqliteFile", Kind::Sqlite, false}, {"Ephemeral", Kind::Sqlite, true}};
}

class StoreSuite : public testing::TestWithParam<Adapter> {
protected:
    void open(const TestStoreOptions& options = {}) {
        if (GetParam().ephemeral) {
            SqliteOptions sqlite;
            sqlite.migrations = item_schema().sqlite;
            sqlite.write_queue_max = options.write_queue_max;
            store_ = open_sqlite(sqlite, metrics_);
        } else {
            store_ = database_.open(metrics_, options);
        }
    }
    void run(awaitable<void> task) { runtime::run_until_done(loop_, std::move(task)); }
    [[nodiscard]] bool is_sqlite() const { return GetParam().kind == Kind::Sqlite; }

    TestDatabase database_{item_schema(), GetParam().kind};
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"test"};
    std::unique_ptr<Store> store_;
};

TEST_P(StoreSuite, EveryReadSeesTheWritesAnsweredBeforeIt) {
    open();
    const auto task = [&]() -> awaitable<void> {
        for (std::int64_t id = 1; id <= 200; ++id) {
            co_await store_->write([id](Transaction& tx) { tx.execute(insert_item, id, "text"); });
            const auto ids =
                co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
            EXPECT_EQ(ids.size(), static_cast<std::size_t>(id));
        }
    };
    run(task());
}

TEST_P(StoreSuite, ValuesComeBackAsTheyWentIn) {
    constexpr Sql insert("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)");
    constexpr Sql select("SELECT id, at, text, bytes, none, n FROM sample");
    const Uuid id = first_uuid_at(instant_from_unix_us(1'700'000'000'000'000));
    const Instant at = instant_from_unix_us(1'700'000'000'123'456);
    const std::string bytes("\0\xFF\0", 3);
    open();
    const auto task = [&]() -> awaitable<void> {
        co_await store_->write([&](Transaction& tx) {
            EXPECT_EQ(tx.execute(insert, id, at, std::string_view(), Blob{bytes}, std::nullopt,
                                 INT64_MIN),
                      1);
        });
        co_await store_->read([&](Snapshot& snapshot) {
            auto rows = snapshot.query(select);
            EXPECT_TRUE(rows.next());
            EXPECT_EQ(rows.uuid(0), id);
            EXPECT_EQ(rows.instant(1), at);
            EXPECT_FALSE(rows.is_null(2)) << "an empty text is not NULL";
            EXPECT_EQ(rows.text(2), "");
            EXPECT_EQ(rows.blob(3), bytes);
            EXPECT_TRUE(rows.is_null(4));
            EXPECT_EQ(rows.integer(5), INT64_MIN);
            EXPECT_FALSE(rows.next());
        });
    };
    run(task());
}

TEST_P(StoreSuite, CommandsOfABatchRunInOrderAndSeeEachOther) {
    open();
    const auto task = [&]() -> awaitable<void> {
        std::vector<std::int64_t> seen;
        const Command look = [&seen](Transaction& tx) -> std::expected<int, std::string> {
            seen = item_ids(tx);
            return 0;
        };
        co_await in_one_batch(*store_, {insert(1), insert(2), look, insert(3)});
        EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2}));
    };
    run(task());
}

TEST_P(StoreSuite, ARefusalLeavesNoTraceAndItsNeighboursStay) {
    open();
    const auto task = [&]() -> awaitable<void> {
        const auto outcomes = co_await in_one_batch(
            *store_, {insert(1), insert_then_refuse(2), insert(3), insert_then_refuse(4)});
        EXPECT_EQ(outcomes[0].answer, 1);
        EXPECT_EQ(outcomes[1].answer, std::unexpected("refused"));
        EXPECT_EQ(outcomes[2].answer, 1);
        EXPECT_EQ(outcomes[3].answer, std::unexpected("refused"));
        const auto ids =
            co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        EXPECT_EQ(ids, (std::vector<std::int64_t>{1, 3}));
        EXPECT_TRUE(store_->state().healthy);
    };
    run(task());
}

TEST_P(StoreSuite, AThrowLeavesNoTraceAndReachesItsCallerAlone) {
    open();
    const auto task = [&]() -> awaitable<void> {
        const Command broken = [](Transaction& tx) -> std::expected<int, std::string> {
            tx.execute(insert_item, 2, "text");
            throw std::logic_error("a bug");
        };
        const auto outcomes = co_await in_one_batch(*store_, {insert(1), broken, insert(3)});
        EXPECT_EQ(outcomes[0].fault, "");
        EXPECT_EQ(outcomes[1].fault, "a bug");
        EXPECT_EQ(outcomes[2].fault, "");
        const auto ids =
            co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        EXPECT_EQ(ids, (std::vector<std::int64_t>{1, 3}));
    };
    run(task());
}

TEST_P(StoreSuite, ABrokenConstraintIsTheFaultOfItsCommandAlone) {
    open();
    const auto task = [&]() -> awaitable<void> {
        const auto outcomes = co_await in_one_batch(*store_, {insert(1), insert(1), insert(3)});
        EXPECT_EQ(outcomes[0].fault, "");
        const char* complaint = is_sqlite() ? "UNIQUE constraint failed: item.id"
                                            : "Duplicate entry '1' for key 'PRIMARY'";
        EXPECT_NE(outcomes[1].fault.find(complaint), std::string::npos) << outcomes[1].fault;
        EXPECT_FALSE(outcomes[1].store_fault);
        EXPECT_EQ(outcomes[2].fault, "");
        EXPECT_TRUE(store_->state().healthy);
        const auto ids =
            co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        EXPECT_EQ(ids, (std::vector<std::int64_t>{1, 3}));
    };
    run(task());
}

TEST_P(StoreSuite, ALateRefusalRunsItsBatchAgainAndTheLastRunCounts) {
    open();
    const auto task = [&]() -> awaitable<void> {
        int runs = 0;
        const Command counted = [&runs](Transaction& tx) -> std::expected<int, std::string> {
            tx.execute(insert_item, 1, "text");
            return ++runs;
        };
        const auto outcomes = co_await in_one_batch(*store_, {counted, insert_then_refuse(2)});
        EXPECT_EQ(outcomes[0].answer, runs);
        EXPECT_GT(runs, 1);
    };
    run(task());
}

TEST_P(StoreSuite, ARefusalThatHasChangedNothingCostsItsNeighboursNothing) {
    open();
    const auto task = [&]() -> awaitable<void> {
        int runs = 0;
        const Command counted = [&runs](Transaction& tx) -> std::expected<int, std::string> {
            tx.execute(insert_item, 1, "text");
            return ++runs;
        };
        const Command refuse = [](Transaction& tx) -> std::expected<int, std::string> {
            return std::unexpected(std::to_string(item_ids(tx).size()));
        };
        const auto outcomes = co_await in_one_batch(*store_, {counted, refuse});
        EXPECT_EQ(runs, 1);
        EXPECT_EQ(outcomes[1].answer, std::unexpected("1"));
    };
    run(task());
}

TEST_P(StoreSuite, AFullWriteQueueRefusesAtOnce) {
    open({.write_queue_max = 2});
    const auto task = [&]() -> awaitable<void> {
        HeldWriter writer(*store_);
        co_await writer.hold();
        std::vector<Outcome> outcomes(3);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            runtime::spawn(loop_, "command",
                           run_command(*store_, insert(static_cast<std::int64_t>(i)), outcomes[i]));
        }
        EXPECT_TRUE(co_await eventually([&] { return outcomes[2].done; }));
        EXPECT_EQ(outcomes[2].fault, "the store has 2 commands waiting; try again in a moment");
        EXPECT_FALSE(outcomes[0].done);
        writer.release();
        EXPECT_TRUE(co_await eventually([&] { return outcomes[0].done && outcomes[1].done; }));
        EXPECT_EQ(outcomes[0].fault + outcomes[1].fault, "");
        EXPECT_TRUE(co_await eventually([&] { return writer.done(); }));
    };
    run(task());
}

TEST_P(StoreSuite, ReadsNeverWaitForTheWriter) {
    open();
    const auto task = [&]() -> awaitable<void> {
        HeldWriter writer(*store_);
        co_await writer.hold();
        const auto ids =
            co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        EXPECT_TRUE(ids.empty());
        writer.release();
        EXPECT_TRUE(co_await eventually([&] { return writer.done(); }));
    };
    run(task());
}

TEST_P(StoreSuite, AQueryThatThrowsLeavesTheNextOnesAlone) {
    open();
    constexpr Sql wrong("SELECT id FROM nowhere");
    const auto task = [&]() -> awaitable<void> {
        std::string refusal;
        try {
            co_await store_->read([&wrong](Snapshot& snapshot) { snapshot.query(wrong); });
        } catch (const StatementRefused& fault) {
            refusal = fault.what();
        }
        const char* complaint = is_sqlite() ? "no such table: nowhere" : ".nowhere' doesn't exist";
        EXPECT_NE(refusal.find(complaint), std::string::npos) << refusal;
        const auto ids =
            co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        EXPECT_TRUE(ids.empty());
    };
    run(task());
}

TEST_P(StoreSuite, ClosingRunsWhatIsQueued) {
    open();
    const auto task = [&]() -> awaitable<void> {
        HeldWriter writer(*store_);
        co_await writer.hold();
        std::vector<Outcome> outcomes(100);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            runtime::spawn(loop_, "command",
                           run_command(*store_, insert(static_cast<std::int64_t>(i)), outcomes[i]));
        }
        EXPECT_TRUE(
            co_await eventually([&] { return store_->state().write_queue == outcomes.size(); }));
        writer.release();
        store_.reset();
        EXPECT_TRUE(co_await eventually([&] { return outcomes.back().done && writer.done(); }));
        for (const auto& outcome : outcomes) EXPECT_EQ(outcome.answer, 1);
    };
    run(task());
}

TEST_P(StoreSuite, MetricsTellOfBatchesAndQueues) {
    open();
    const auto task = [&]() -> awaitable<void> {
        co_await in_one_batch(*store_, {insert(1), insert(2), insert_then_refuse(3)});
    };
    run(task());
    store_.reset();
    const std::string text = metrics_.scrape();
    std::vector<const char*> lines = {
        "florin_store_write_queue 0",
        "florin_store_read_queue 0",
        "florin_store_batch_commands_bucket{le=\"4\"} 2",
        is_sqlite() ? "florin_store_commit_seconds_count 2" : "florin_store_commit_seconds_count 1",
        "florin_store_batch_retries_total 1",
        "florin_store_faults_total 0"};
    if (is_sqlite()) {
        lines.insert(lines.end(), {"florin_store_wal_bytes", "florin_store_checkpoint_seconds"});
    } else {
        lines.push_back("florin_store_reconnects_total 0");
    }
    for (const char* line : lines) {
        EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
    }
}

INSTANTIATE_TEST_SUITE_P(Adapters, StoreSuite, testing::ValuesIn(adapters()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Buckets, GoUpEverySoManyRowsAndAfterEachStart) {
    Buckets buckets(Buckets::Numbering::Counted);
    EXPECT_FALSE(buckets.opened());
    buckets.open_after(7);
    buckets.open_after(99);
    for (int i = 0; i < Buckets::rows_per_bucket; ++i) EXPECT_EQ(buckets.next(Uuid{}), 8);
    EXPECT_EQ(buckets.next(Uuid{}), 9);
}

TEST(Buckets, OfProcessesThatShareADatabaseComeFromTheRowsTime) {
    Buckets ours(Buckets::Numbering::Timed);
    Buckets theirs(Buckets::Numbering::Timed);
    EXPECT_FALSE(ours.opened());
    ours.open_after(0);
    theirs.open_after(2'999'999);
    const Instant start = instant_from_unix_us(0) + 3'000'000 * Buckets::time_per_bucket;
    const auto last_moment = start + Buckets::time_per_bucket - Milliseconds(1);
    EXPECT_EQ(ours.next(first_uuid_at(start)), 3'000'000);
    EXPECT_EQ(theirs.next(first_uuid_at(last_moment)), 3'000'000);
    EXPECT_EQ(ours.next(first_uuid_at(last_moment + Milliseconds(1))), 3'000'001);
}

TEST(Buckets, NeverFallWhenADatabaseMovesFromOneKindToTheOtherAndBack) {
    const auto id_in = [](std::int64_t period) {
        return first_uuid_at(instant_from_unix_us(0) + period * Buckets::time_per_bucket);
    };
    Buckets timed(Buckets::Numbering::Timed);
    timed.open_after(12);
    EXPECT_EQ(timed.next(id_in(3'000'000)), 3'000'000);
    Buckets counted(Buckets::Numbering::Counted);
    counted.open_after(3'000'000);
    for (std::int64_t i = 0; i < 3 * Buckets::rows_per_bucket; ++i) counted.next(Uuid{});
    EXPECT_EQ(counted.next(id_in(3'000'000)), 3'000'004);
    Buckets timed_again(Buckets::Numbering::Timed);
    timed_again.open_after(3'000'004);
    EXPECT_EQ(timed_again.next(id_in(3'000'001)), 3'000'004);
    EXPECT_EQ(timed_again.next(id_in(3'000'005)), 3'000'005);
}

}  // namespace
}  // namespace florin::store
