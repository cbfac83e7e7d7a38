#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <latch>
#include <string>
#include <vector>

#include <stdlib.h>

#include "platform/base/require.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite_store.h"
#include "platform/store/test_database.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {

/// A folder of one test, gone with it.
class TestFolder {
public:
    TestFolder() {
        std::string name =
            (std::filesystem::temp_directory_path() / "florin-store-test-XXXXXX").string();
        require(::mkdtemp(name.data()) != nullptr, "the temporary folder can be written");
        path_ = name;
    }
    ~TestFolder() { std::filesystem::remove_all(path_); }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;
    [[nodiscard]] std::filesystem::path file() const { return path_ / "test.db"; }

private:
    std::filesystem::path path_;
};

inline TestSchema item_schema() {
    return {
        {{"0001_item.sql",
          "CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL DEFAULT '', bytes BLOB);"
          "CREATE TABLE sample (id BLOB, at INTEGER, text TEXT, bytes BLOB, none TEXT, n "
          "INTEGER);"}},
        {{"0001_item.sql",
          "CREATE TABLE IF NOT EXISTS item (id BIGINT PRIMARY KEY,"
          " text VARCHAR(255) NOT NULL DEFAULT '', bytes LONGBLOB);"
          "CREATE TABLE IF NOT EXISTS sample (id BINARY(16), at BIGINT, text TEXT, bytes BLOB,"
          " none TEXT, n BIGINT);"}},
        {}};
}

inline constexpr Sql insert_item("INSERT INTO item (id, text) VALUES (?, ?)");
inline constexpr Sql all_items("SELECT id FROM item ORDER BY id");

inline std::vector<std::int64_t> item_ids(Snapshot& snapshot) {
    std::vector<std::int64_t> ids;
    auto rows = snapshot.query(all_items);
    while (rows.next()) ids.push_back(rows.integer(0));
    return ids;
}

/// Waits on the loop until `condition` holds; false when it does not within so long.
inline awaitable<bool> eventually(std::function<bool()> condition, Seconds patience = Seconds(60)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) co_return false;
        co_await runtime::sleep_for(Milliseconds(1));
    }
    co_return true;
}

using Command = std::function<std::expected<int, std::string>(Transaction&)>;

/// How one command ended.
struct Outcome {
    bool done = false;
    std::string fault;  // what was thrown
    bool store_fault = false;
    std::expected<int, std::string> answer;
};

inline awaitable<void> run_command(Store& store, Command command, Outcome& outcome) {
    try {
        outcome.answer = co_await store.write(std::move(command));
    } catch (const StoreFault& fault) {
        outcome.store_fault = true;
        outcome.fault = fault.what();
    } catch (const std::exception& fault) {
        outcome.fault = fault.what();
    }
    outcome.done = true;
}

/// Keeps the writer inside a command, so that a test decides what waits meanwhile. Use on a loop.
class HeldWriter {
public:
    explicit HeldWriter(Store& store) : store_(store) {}
    ~HeldWriter() { release(); }
    HeldWriter(const HeldWriter&) = delete;
    HeldWriter& operator=(const HeldWriter&) = delete;

    awaitable<void> hold() {
        runtime::spawn(runtime::Loop::current(), "hold", run_command(store_, command(), outcome_));
        require(co_await eventually([this] { return held_.load(); }),
                "the writer runs the command");
    }
    void release() {
        if (released_) return;
        released_ = true;
        free_.count_down();
    }
    [[nodiscard]] bool done() const { return outcome_.done; }

private:
    Command command() {
        return [this](Transaction&) -> std::expected<int, std::string> {
            held_ = true;
            free_.wait();  // also when its batch is run again
            return 0;
        };
    }

    Store& store_;
    std::atomic<bool> held_{false};
    bool released_ = false;
    std::latch free_{1};
    Outcome outcome_;
};

/// Runs `commands` in one batch, in order.
inline awaitable<std::vector<Outcome>> in_one_batch(Store& store, std::vector<Command> commands) {
    HeldWriter writer(store);
    co_await writer.hold();
    std::vector<Outcome> outcomes(commands.size());
    for (std::size_t i = 0; i < commands.size(); ++i) {
        runtime::spawn(runtime::Loop::current(), "command",
                       run_command(store, std::move(commands[i]), outcomes[i]));
    }
    require(co_await eventually([&] { return store.state().write_queue == outcomes.size(); }),
            "every command waits for the writer");
    writer.release();
    require(co_await eventually([&] {
                for (const auto& outcome : outcomes) {
                    if (!outcome.done) return false;
                }
                return writer.done();
            }),
            "every command is answered");
    co_return outcomes;
}

inline Command insert(std::int64_t id) {
    return [id](Transaction& tx) -> std::expected<int, std::string> {
        tx.execute(insert_item, id, "text");
        return 1;
    };
}

inline Command insert_then_refuse(std::int64_t id) {
    return [id](Transaction& tx) -> std::expected<int, std::string> {
        tx.execute(insert_item, id, "text");
        return std::unexpected("refused");
    };
}

}  // namespace florin::store
