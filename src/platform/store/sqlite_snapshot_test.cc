#include "platform/store/sqlite_snapshot.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "platform/store/store_test_support.h"

namespace florin::store {
namespace {

class SqliteSnapshotTest : public ::testing::Test {
protected:
    std::unique_ptr<Store> serve() {
        SqliteOptions options;
        options.file = folder.file();
        options.migrations = item_schema().sqlite;
        options.wal_limit_mib = 1;
        return open_sqlite(options, metrics);
    }
    void write(Store& store, std::int64_t from, std::int64_t count) {
        runtime::run_until_done(loop, written(store, from, count));
    }
    std::unique_ptr<Snapshot> open() {
        return open_sqlite_snapshot(folder.file(), item_schema().sqlite);
    }
    static std::string fault_of(const std::filesystem::path& file,
                                const std::vector<Migration>& migrations) {
        try {
            open_sqlite_snapshot(file, migrations);
        } catch (const StoreFault& fault) {
            return fault.what();
        }
        return "";
    }

    TestFolder folder;
    telemetry::Metrics metrics;
    runtime::Loop loop{"test"};

private:
    static awaitable<void> written(Store& store, std::int64_t from, std::int64_t count) {
        constexpr std::int64_t rows_a_commit = 100;
        const std::int64_t end = from + count;
        for (; from < end; from += rows_a_commit) {
            co_await store.write([from, end](Transaction& tx) {
                for (std::int64_t id = from; id < std::min(from + rows_a_commit, end); ++id)
                    tx.execute(insert_item, id, std::string(3'000, 'x'));
                return 0;
            });
        }
    }
};

TEST_F(SqliteSnapshotTest, StaysAsItIsWhileTheServerWrites) {
    const auto store = serve();
    write(*store, 1, 2);
    const auto snapshot = open();
    write(*store, 3, 1);
    EXPECT_EQ(item_ids(*snapshot), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(item_ids(*open()), (std::vector<std::int64_t>{1, 2, 3}));
}

// The log passes its limit several times: were the writer to wait for the snapshot at each, this
// test would take the store's patience times as long.
TEST_F(SqliteSnapshotTest, DoesNotHoldUpAWriterWhoseLogIsFull) {
    const auto store = serve();
    write(*store, 1, 1);
    const auto snapshot = open();
    write(*store, 2, 2'000);
    EXPECT_EQ(item_ids(*snapshot).size(), 1U);
    EXPECT_TRUE(store->state().healthy);
}

TEST_F(SqliteSnapshotTest, ReadsWhatACleanStopLeftAndLeavesItServable) {
    {
        const auto store = serve();
        write(*store, 1, 3);
    }
    EXPECT_EQ(item_ids(*open()).size(), 3U);
    const auto again = serve();
    write(*again, 4, 1);
    EXPECT_EQ(item_ids(*open()).size(), 4U);
}

TEST_F(SqliteSnapshotTest, SaysWhatItCannotRead) {
    EXPECT_NE(fault_of(folder.file(), item_schema().sqlite).find("--data-dir"), std::string::npos);
    {
        const auto store = serve();
    }
    auto newer = item_schema().sqlite;
    newer.push_back({"0002_more.sql", "CREATE TABLE more (id INTEGER);"});
    EXPECT_NE(fault_of(folder.file(), newer).find("start the server once"), std::string::npos);
    EXPECT_NE(fault_of(folder.file(), {}).find("newer build"), std::string::npos);
    const auto other = folder.file().string() + ".txt";
    std::ofstream(other) << "not a database, but a text that is long enough to look at";
    EXPECT_NE(fault_of(other, item_schema().sqlite), "");
}

}  // namespace
}  // namespace florin::store
