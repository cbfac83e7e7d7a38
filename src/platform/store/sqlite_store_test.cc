// What only a database in a file can do: last, be locked, fill a disk, grow a log.

#include "platform/store/sqlite_store.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "platform/store/store_test_support.h"

namespace florin::store {
namespace {

constexpr Sql insert_bytes("INSERT INTO item (id, bytes) VALUES (?, zeroblob(?))");

Command insert_large(std::int64_t id, std::int64_t bytes) {
    return [id, bytes](Transaction& tx) -> std::expected<int, std::string> {
        tx.execute(insert_bytes, id, bytes);
        return 1;
    };
}

std::int64_t newest_item(Snapshot& snapshot) {
    constexpr Sql newest("SELECT max(id) FROM item");
    auto rows = snapshot.query(newest);
    return rows.next() ? rows.integer(0) : 0;
}

class SqliteFile : public testing::Test {
protected:
    void open(SqliteOptions options = {}) {
        options.file = folder_.file();
        if (options.migrations.empty()) options.migrations = item_schema().sqlite;
        store_ = open_sqlite(options, metrics_);
    }
    void run(awaitable<void> task) { runtime::run_until_done(loop_, std::move(task)); }

    awaitable<std::vector<std::int64_t>> ids() {
        co_return co_await store_->read([](Snapshot& snapshot) { return item_ids(snapshot); });
    }
    awaitable<Outcome> write(Command command) {
        Outcome outcome;
        co_await run_command(*store_, std::move(command), outcome);
        co_return outcome;
    }
    /// Every command of a batch fails together, nothing stays, and the next batch works again.
    awaitable<void> expect_recovery(std::vector<Outcome> outcomes, std::string reason) {
        for (const auto& outcome : outcomes) {
            EXPECT_TRUE(outcome.store_fault);
            EXPECT_NE(outcome.fault.find(reason), std::string::npos) << outcome.fault;
            EXPECT_NE(outcome.fault.find(folder_.file().string()), std::string::npos)
                << outcome.fault;
        }
        EXPECT_FALSE(store_->state().healthy);
        EXPECT_NE(store_->state().fault.find(reason), std::string::npos) << store_->state().fault;
        EXPECT_TRUE((co_await ids()).empty()) << "reads go on, and see nothing of the failed batch";
    }

    TestFolder folder_;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"test"};
    std::unique_ptr<Store> store_;
};

TEST_F(SqliteFile, KeepsWhatWasAnswered) {
    const auto fill = [&]() -> awaitable<void> { co_await write(insert(1)); };
    const auto check = [&]() -> awaitable<void> {
        EXPECT_EQ(co_await ids(), std::vector<std::int64_t>{1});
    };
    open();
    run(fill());
    store_.reset();
    EXPECT_FALSE(std::filesystem::exists(folder_.file().string() + "-wal"))
        << "a clean stop leaves one file";
    open();
    run(check());
}

TEST_F(SqliteFile, IsForItsOwnerOnly) {
    open();
    const auto fill = [&]() -> awaitable<void> { co_await write(insert(1)); };
    run(fill());
    for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
        struct stat facts{};
        ASSERT_EQ(::stat((folder_.file().string() + suffix).c_str(), &facts), 0) << suffix;
        EXPECT_EQ(facts.st_mode & 0777U, 0600U) << suffix;
    }
}

TEST_F(SqliteFile, RefusesASecondOpener) {
    open();
    try {
        open_sqlite({.file = folder_.file(), .migrations = item_schema().sqlite}, metrics_);
        ADD_FAILURE() << "the file was opened twice";
    } catch (const StoreFault& fault) {
        EXPECT_EQ(fault.what(),
                  "another process uses " + folder_.file().string() +
                      ": stop it, or give this one a folder of its own with DATA_DIR");
    }
    store_.reset();
    open();
}

TEST_F(SqliteFile, RefusesWhatIsNoDatabase) {
    std::FILE* file = std::fopen(folder_.file().c_str(), "w");
    for (int i = 0; i < 1'000; ++i) std::fputs("not a database", file);
    std::fclose(file);
    try {
        open();
        ADD_FAILURE() << "a text was opened as a database";
    } catch (const StoreFault& fault) {
        EXPECT_NE(std::string(fault.what()).find("is not a sound database"), std::string::npos)
            << fault.what();
    }
}

TEST_F(SqliteFile, AFullDiskFailsTheWholeBatchAndIsForgottenWhenThereIsRoom) {
    constexpr Sql more_room("PRAGMA max_page_count=100000");
    SqliteOptions options;
    options.migrations = item_schema().sqlite;
    options.migrations.push_back({"0002_small_disk.sql", "PRAGMA max_page_count=20;"});
    open(options);
    const auto task = [&]() -> awaitable<void> {
        co_await expect_recovery(
            co_await in_one_batch(*store_, {insert(1), insert_large(2, 1'000'000), insert(3)}),
            "the disk is full");
        const Command make_room = [&more_room](Transaction& tx) -> std::expected<int, std::string> {
            auto rows = tx.query(more_room);
            return rows.next() ? 1 : 0;
        };
        EXPECT_EQ((co_await write(make_room)).answer, 1);
        EXPECT_TRUE(store_->state().healthy);
        EXPECT_EQ((co_await write(insert_large(2, 1'000'000))).answer, 1);
        EXPECT_EQ(co_await ids(), std::vector<std::int64_t>{2});
    };
    run(task());
}

TEST_F(SqliteFile, NoCommandCanHideAFullDiskFromItsNeighbours) {
    SqliteOptions options;
    options.migrations = item_schema().sqlite;
    options.migrations.push_back({"0002_small_disk.sql", "PRAGMA max_page_count=20;"});
    open(options);
    const auto task = [&]() -> awaitable<void> {
        const Command hide = [](Transaction& tx) -> std::expected<int, std::string> {
            try {
                tx.execute(insert_bytes, 2, 1'000'000);
            } catch (const std::exception&) {
                return 1;
            }
            return 2;
        };
        co_await expect_recovery(co_await in_one_batch(*store_, {insert(1), hide, insert(3)}),
                                 "the disk is full");
    };
    run(task());
}

/// No file of this process can be longer than this, for as long as the object lives.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = SIG_DFL;
};

TEST_F(SqliteFile, ACommitThatCannotBeWrittenFailsTheWholeBatchAndTheNextWorks) {
    open();
    const auto task = [&]() -> awaitable<void> {
        {
            const FileSizeLimit limit(200'000);
            co_await expect_recovery(
                co_await in_one_batch(*store_, {insert(1), insert_large(2, 400'000), insert(3)}),
                "disk I/O error");
        }
        EXPECT_EQ((co_await write(insert(4))).answer, 1);
        EXPECT_TRUE(store_->state().healthy);
        EXPECT_EQ(co_await ids(), std::vector<std::int64_t>{4});
    };
    run(task());
}

TEST_F(SqliteFile, TheLogStaysBoundedWhileWritersAndReadersNeverRest) {
    SqliteOptions options;
    options.wal_limit_mib = 1;
    open(options);
    const std::filesystem::path log = folder_.file().string() + "-wal";
    constexpr std::int64_t writers = 16;
    constexpr int readers = 4;
    std::int64_t writing = writers;
    int reading = readers;
    std::uintmax_t longest = 0;
    const auto write_much = [&](std::int64_t from) -> awaitable<void> {
        for (std::int64_t id = from; id < from + 500; ++id) {
            co_await write(insert_large(id, 4'000));
            longest = std::max(longest, std::filesystem::file_size(log));
        }
        --writing;
    };
    const auto read_much = [&]() -> awaitable<void> {
        while (writing > 0)
            co_await store_->read([](Snapshot& snapshot) { newest_item(snapshot); });
        --reading;
    };
    const auto task = [&]() -> awaitable<void> {
        for (int reader = 0; reader < readers; ++reader) {
            runtime::spawn(loop_, "read", read_much());
        }
        for (std::int64_t writer = 0; writer < writers; ++writer) {
            runtime::spawn(loop_, "write", write_much(writer * 1'000));
        }
        EXPECT_TRUE(co_await eventually([&] { return writing == 0; }, Seconds(240)));
        EXPECT_TRUE(co_await eventually([&] { return reading == 0; }));
        EXPECT_EQ((co_await ids()).size(), 8'000U);
    };
    run(task());
    // 32 MB were written. Four times the limit is where the writer waits, plus what a batch adds.
    EXPECT_LT(longest, 6U << 20U);
    EXPECT_GT(longest, 500'000U);
}

}  // namespace
}  // namespace florin::store
