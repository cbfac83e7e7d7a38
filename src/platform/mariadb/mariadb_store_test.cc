// Several processes on one database: order, identity, migrations, rows of every kind.

#include "platform/mariadb/mariadb_store.h"

#include <thread>

#include <gtest/gtest.h>

#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/mariadb/test_world.h"

namespace florin::mariadb {
namespace {

using store::Command;
using store::eventually;
using store::in_one_batch;
using store::Outcome;
using store::Snapshot;
using store::Sql;
using store::StoreFault;
using store::Transaction;

constexpr Sql events_after("SELECT seq FROM event WHERE seq > ? ORDER BY seq LIMIT 100");

std::vector<std::int64_t> page_after(Snapshot& snapshot, std::int64_t last) {
    std::vector<std::int64_t> page;
    auto rows = snapshot.query(events_after, last);
    while (rows.next()) page.push_back(rows.integer(0));
    return page;
}

/// Reads a log as a consumer does: on from the last position it has seen.
awaitable<void> follow(store::Store& store, std::vector<std::int64_t>& seen, const bool& stop,
                       bool& stopped) {
    while (!stop) {
        const std::int64_t last = seen.empty() ? 0 : seen.back();
        const auto page = co_await store.read([last](Snapshot& s) { return page_after(s, last); });
        seen.insert(seen.end(), page.begin(), page.end());
    }
    stopped = true;
}

TEST(MariadbOrder, AFollowerOfTheLogMissesNothingThatManyConnectionsOfTwoProcessesWrite) {
    TestWorld world;
    Options options = world.options();
    options.address.writers = 3;
    const auto ours = open_mariadb(options, world.metrics);
    const auto theirs = open_mariadb(options, world.metrics);
    std::vector<std::int64_t> seen;
    bool stop = false;
    bool stopped = false;
    Load our_load(world.loop, *ours, 24);
    Load their_load(world.loop, *theirs, 24, 1'000'000);
    const auto task = [&]() -> awaitable<void> {
        runtime::spawn(world.loop, "follow", follow(*ours, seen, stop, stopped));
        EXPECT_TRUE(co_await eventually(
            [&] { return our_load.stored.size() > 1'000 && their_load.stored.size() > 1'000; },
            Seconds(240)));
        our_load.stop();
        their_load.stop();
        EXPECT_TRUE(co_await eventually([&] { return our_load.ended() && their_load.ended(); }));
        const std::size_t all = our_load.stored.size() + their_load.stored.size();
        EXPECT_TRUE(co_await eventually([&] { return seen.size() >= all; })) << seen.size();
        stop = true;
        EXPECT_TRUE(co_await eventually([&] { return stopped; }));
        EXPECT_EQ(seen.size(), all)
            << "a position that shows up behind one that was read is missed";
    };
    world.run(task());
    EXPECT_EQ(our_load.last_fault + their_load.last_fault, "");
}

struct Harm {
    const char* name;
    const char* sql;
    const char* complaint;
};

class MariadbIdentity : public testing::TestWithParam<Harm> {};

TEST_P(MariadbIdentity, OfAnotherDatabaseIsRefusedUntilSomebodyStartsAgain) {
    TestWorld world;
    Options options = world.options();
    options.outage_patience = patience;  // it is the database that is refused, not the wait for it
    auto store = open_mariadb(options, world.metrics);
    const auto fault_of = [&](auto task) -> awaitable<std::string> {
        try {
            co_await std::move(task);
        } catch (const StoreFault& fault) {
            co_return fault.what();
        }
        co_return "";
    };
    const auto task = [&]() -> awaitable<void> {
        for (std::int64_t number = 1; number <= 3; ++number)
            co_await store->write(store_number(number));
        world.execute(GetParam().sql);
        world.cut_connections();
        const std::string fault = co_await fault_of(store->write(store_number(4)));
        EXPECT_NE(fault.find(GetParam().complaint), std::string::npos) << fault;
        EXPECT_FALSE(store->state().healthy);
        EXPECT_NE(co_await fault_of(store->write(store_number(5))), "");
        EXPECT_NE(co_await fault_of(store->read([](Snapshot& s) { return page_after(s, 0); })), "");
        store.reset();
        store = world.open();
        EXPECT_EQ(co_await fault_of(store->write(store_number(6))), "");
    };
    world.run(task());
}

INSTANTIATE_TEST_SUITE_P(
    Mariadb, MariadbIdentity,
    testing::Values(
        Harm{"AnEmptyOne",
             "SET foreign_key_checks = 0; DROP TABLE item, event, counter, schema_migration,"
             " store_commit_order, store_batch, store_identity",
             "holds no tables of Florin"},
        Harm{"OneMadeApart",
             "UPDATE store_identity SET database_id = unhex(replace(uuid(), '-', ''))",
             "is not the one this process has used"},
        Harm{"AnOlderOne", "UPDATE store_commit_order SET number = number - 1",
             "has gone back in time: it ends at commit 2, this process has seen 3"},
        Harm{"OneThatLacksACommit", "UPDATE store_batch SET number = number - 1",
             "has gone back in time: it holds mark 2 of writer 0"}),
    [](const auto& info) { return std::string(info.param.name); });

/// The marks of one other process: what tells it, once it has lost its connection in a commit, what
/// became of that.
class MariadbMarks : public testing::Test {
protected:
    MariadbMarks() { migrate_mariadb(world.options()); }
    void add_mark(int writer, int age_days) const {
        world.execute(
            "INSERT INTO store_batch (instance, writer, number, started_at) VALUES (repeat('a', "
            "16), " +
            std::to_string(writer) + ", 7, now() - INTERVAL " + std::to_string(age_days) + " DAY)");
    }
    [[nodiscard]] std::int64_t marks() const {
        constexpr Sql count("SELECT count(*) FROM store_batch WHERE instance = repeat('a', 16)");
        return world.connect()->number(count);
    }

    TestWorld world;
};

TEST_F(MariadbMarks, OfAProcessThatIsLongGoneAreForgotten) {
    add_mark(0, 500);
    add_mark(1, 401);
    static_cast<void>(world.open());
    EXPECT_EQ(marks(), 0);
}

TEST_F(MariadbMarks, OfAProcessThatStillWritesStayHoweverOldTheyAre) {
    add_mark(0, 500);
    add_mark(1, 0);
    static_cast<void>(world.open());
    EXPECT_EQ(marks(), 2);
}

TEST_F(MariadbMarks, AreAsFreshAsTheLastCommit) {
    const auto store = world.open();
    const auto task = [&]() -> awaitable<void> {
        co_await store->write(store_number(1));
        world.execute("UPDATE store_batch SET started_at = now() - INTERVAL 500 DAY");
        co_await store->write(store_number(2));
    };
    world.run(task());
    constexpr Sql old("SELECT count(*) FROM store_batch WHERE started_at < now() - INTERVAL 1 DAY");
    EXPECT_EQ(world.connect()->number(old), 0);
}

TEST_F(MariadbMarks, ThatAnotherProcessHoldsInACommitHinderNoStart) {
    add_mark(0, 500);
    const auto other = world.connect();
    other->run("START TRANSACTION; UPDATE store_batch SET number = 8, started_at = now()");
    Options options = world.options();
    options.timeouts.lock = std::chrono::seconds(1);
    static_cast<void>(open_mariadb(options, world.metrics));
    other->run("COMMIT");
    EXPECT_EQ(marks(), 1);
}

TEST(MariadbMigrations, AreAppliedOnceWhenManyProcessesStartTogether) {
    TestWorld world;
    std::vector<std::unique_ptr<store::Store>> stores(4);
    std::vector<std::thread> starting;
    for (auto& opened : stores) {
        starting.emplace_back([&world, &opened] { opened = world.open(); });
    }
    for (auto& thread : starting) thread.join();
    constexpr Sql recorded("SELECT count(*) FROM schema_migration");
    EXPECT_EQ(world.connect()->number(recorded), 1);
}

TEST(MariadbMigrations, ThatWereInterruptedRunAgainFromTheirStart) {
    TestWorld world;
    migrate_mariadb(world.options());
    world.execute("DELETE FROM schema_migration; DROP TABLE counter");
    migrate_mariadb(world.options());
    constexpr Sql counters("SELECT count(*) FROM counter");
    EXPECT_EQ(world.connect()->number(counters), 2);
}

TEST(MariadbMigrations, OfANewerBuildOrOfAnotherTextAreRefused) {
    TestWorld world;
    migrate_mariadb(world.options());
    const auto refusal_with = [&](std::vector<store::Migration> migrations) -> std::string {
        Options options = world.options();
        options.migrations = std::move(migrations);
        try {
            migrate_mariadb(options);
        } catch (const StoreFault& fault) {
            return fault.what();
        }
        return "";
    };
    EXPECT_NE(refusal_with({}).find("newer than the 0 of this build"), std::string::npos);
    EXPECT_NE(refusal_with({{"0001_world.sql", "DO 1"}}).find("has changed since it was applied"),
              std::string::npos);
}

class MariadbThatIsNotMigrated : public testing::Test {
protected:
    MariadbThatIsNotMigrated() { options.migrate = false; }

    std::string refusal() {
        try {
            static_cast<void>(open_mariadb(options, world.metrics));
        } catch (const StoreFault& fault) {
            return fault.what();
        }
        return "";
    }
    [[nodiscard]] std::int64_t tables() const {
        constexpr Sql all(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()");
        return world.connect()->number(all);
    }

    TestWorld world;
    Options options = world.options();
};

TEST_F(MariadbThatIsNotMigrated, IsRefusedWhenItIsEmptyAndStaysEmpty) {
    const std::string told = refusal();
    EXPECT_NE(told.find(options.address.text() + " lacks 1 of 1 migrations"), std::string::npos)
        << told;
    EXPECT_NE(told.find("it is not the right one"), std::string::npos) << told;
    EXPECT_NE(told.find("`florin migrate`"), std::string::npos) << told;
    EXPECT_EQ(tables(), 0);
}

TEST_F(MariadbThatIsNotMigrated, IsRefusedWhenItLacksSomeAndTakenOnceTheyAreApplied) {
    migrate_mariadb(options);
    options.migrations.push_back({"0002_more.sql", "CREATE TABLE IF NOT EXISTS more (id INT)"});
    const std::int64_t before = tables();
    EXPECT_NE(refusal().find("lacks 1 of 2 migrations"), std::string::npos) << refusal();
    EXPECT_EQ(tables(), before);
    migrate_mariadb(options);
    EXPECT_EQ(refusal(), "");
}

TEST_F(MariadbThatIsNotMigrated, IsRefusedAsEverWhenAnotherBuildHasMigratedIt) {
    migrate_mariadb(options);
    options.migrations[0].sql = "DO 1";
    EXPECT_NE(refusal().find("has changed since it was applied"), std::string::npos) << refusal();
    options.migrations.clear();
    EXPECT_NE(refusal().find("newer than the 0 of this build"), std::string::npos) << refusal();
}

TEST(MariadbSnapshot, IsNotCutWhileItsReaderIsBusy) {
    TestWorld world;
    const Options options = world.options();
    migrate_mariadb(options);
    const auto snapshot = open_mariadb_snapshot(options.address, options.migrations);
    constexpr Sql patience("SELECT @@idle_transaction_timeout, @@net_write_timeout");
    auto rows = snapshot->query(patience);
    ASSERT_TRUE(rows.next());
    EXPECT_GE(rows.integer(0), 3'600);
    EXPECT_GE(rows.integer(1), 3'600);
}

TEST(MariadbStart, SaysWhatIsWrongWithTheServerAndKeepsThePasswordToItself) {
    telemetry::Metrics metrics;
    Options options;
    options.address = parse_url("mariadb://florin:hunter2@127.0.0.1:1/florin").value();
    try {
        open_mariadb(options, metrics);
        ADD_FAILURE() << "there is no server";
    } catch (const StoreFault& fault) {
        const std::string text = fault.what();
        EXPECT_NE(text.find("127.0.0.1:1/florin"), std::string::npos) << text;
        EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
    }
}

TEST(MariadbRows, MayBeNestedWideAndMoreThanFitOneMessage) {
    TestWorld world;
    constexpr Sql insert("INSERT INTO item (id, text, bytes) VALUES (?, ?, ?)");
    constexpr Sql all("SELECT id, bytes, text FROM item ORDER BY id");
    constexpr Sql one("SELECT text FROM item WHERE id = ?");
    const auto store = world.open();
    const auto bytes_of = [](std::int64_t id) {
        return std::string(id % 100 == 0 ? 200'000 : static_cast<std::size_t>(id % 7), '\0');
    };
    const auto task = [&]() -> awaitable<void> {
        co_await store->write([&](Transaction& tx) {
            for (std::int64_t id = 0; id < 1'000; ++id) {
                const std::string bytes = bytes_of(id);
                const auto stored =
                    id % 3 == 0 ? std::nullopt : std::optional<store::Blob>(store::Blob{bytes});
                EXPECT_EQ(tx.execute(insert, id, std::to_string(id), stored), 1);
            }
        });
        co_await store->read([&](Snapshot& snapshot) {
            std::int64_t id = 0;
            auto rows = snapshot.query(all);
            for (; rows.next(); ++id) {
                auto same = snapshot.query(one, rows.integer(0));
                EXPECT_TRUE(same.next());
                EXPECT_EQ(same.text(0), rows.text(2));
                EXPECT_EQ(rows.is_null(1), id % 3 == 0);
                if (id % 3 != 0) EXPECT_EQ(rows.blob(1), bytes_of(id)) << id;
            }
            EXPECT_EQ(id, 1'000);
        });
    };
    world.run(task());
}

TEST(MariadbRows, NotReadToTheirEndAreNotWaitedForByTheNextQuery) {
    TestWorld world;
    constexpr Sql one("SELECT id, text FROM item WHERE id = ?");
    constexpr Sql other("SELECT count(*) FROM item WHERE id < ?");
    const auto store = world.open();
    int runs = 0;
    const auto task = [&]() -> awaitable<void> {
        co_await store->write([&](Transaction& tx) { tx.execute(store::insert_item, 7, "seven"); });
        for (int round = 0; round < 6; ++round) {
            co_await store->read([&](Snapshot& snapshot) {
                ++runs;
                auto rows = snapshot.query(one, 7);
                EXPECT_TRUE(rows.next());
                auto nested = snapshot.query(other, rows.integer(0));
                EXPECT_TRUE(nested.next());
                EXPECT_EQ(rows.text(1), "seven");
            });
        }
    };
    world.run(task());
    EXPECT_EQ(runs, 6) << "a query that hangs is run again on another connection";
}

TEST(MariadbBatches, WithARowThatBreaksARuleLaterLoseOnlyItsCommand) {
    TestWorld world;
    world.execute("CREATE TABLE ruled (id BIGINT PRIMARY KEY, n INT NOT NULL CHECK (n > 0))");
    constexpr Sql insert("INSERT INTO ruled (id, n) VALUES (?, ?)");
    constexpr Sql look("SELECT n FROM ruled WHERE id = ?");
    const auto store = world.open();
    const auto insert_row = [&insert](int id, int n) -> Command {
        return [&insert, id, n](Transaction& tx) -> std::expected<int, std::string> {
            return static_cast<int>(tx.execute(insert, id, n));
        };
    };
    // It makes its neighbours' rows go out, and is not to blame for them.
    const Command look_on = [&look](Transaction& tx) -> std::expected<int, std::string> {
        auto rows = tx.query(look, 1);
        return rows.next() ? static_cast<int>(rows.integer(0)) : -1;
    };
    const auto task = [&]() -> awaitable<void> {
        const auto outcomes = co_await in_one_batch(
            *store,
            {insert_row(1, 5), insert_row(2, -1), look_on, insert_row(3, 7), insert_row(1, 9)});
        EXPECT_EQ(outcomes[0].answer, 1) << outcomes[0].fault;
        EXPECT_NE(outcomes[1].fault.find("CONSTRAINT"), std::string::npos) << outcomes[1].fault;
        EXPECT_EQ(outcomes[2].answer, 5) << outcomes[2].fault;
        EXPECT_EQ(outcomes[3].answer, 1) << outcomes[3].fault;
        EXPECT_NE(outcomes[4].fault.find("Duplicate entry"), std::string::npos)
            << outcomes[4].fault;
        EXPECT_TRUE(store->state().healthy);
    };
    world.run(task());
    constexpr Sql sum("SELECT sum(n) FROM ruled");
    EXPECT_EQ(world.connect()->number(sum), 12);
}

}  // namespace
}  // namespace florin::mariadb
