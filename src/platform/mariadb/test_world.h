#pragma once

#include <atomic>
#include <chrono>
#include <set>
#include <string>

#include "platform/mariadb/mariadb_store.h"
#include "platform/mariadb/test_server.h"
#include "platform/store/store_test_support.h"

namespace florin::mariadb {

/// A database of its own on a server, and what tests do with it.
class TestWorld {
public:
    explicit TestWorld(TestServer& server = TestServer::shared()) : server(server) {
        static std::atomic<int> worlds{0};
        name = "world_" + std::to_string(++worlds);
        server.run("CREATE DATABASE " + name);
    }
    TestWorld(const TestWorld&) = delete;
    TestWorld& operator=(const TestWorld&) = delete;

    [[nodiscard]] Options options() const {
        Options options;
        options.address = server.address(name);
        options.migrations = {
            {"0001_world.sql",
             "CREATE TABLE IF NOT EXISTS item (id BIGINT PRIMARY KEY,"
             " text VARCHAR(255) NOT NULL DEFAULT '', bytes LONGBLOB);"
             "CREATE TABLE IF NOT EXISTS event (seq BIGINT AUTO_INCREMENT PRIMARY KEY,"
             " number BIGINT NOT NULL, UNIQUE (number));"
             "CREATE TABLE IF NOT EXISTS counter (id INT PRIMARY KEY, value BIGINT NOT NULL);"
             "INSERT IGNORE INTO counter VALUES (1, 0), (2, 0)"}};
        options.sequenced_tables = {"event"};
        options.timeouts = patient_timeouts();
        return options;
    }
    [[nodiscard]] std::unique_ptr<store::Store> open() { return open_mariadb(options(), metrics); }

    void run(awaitable<void> task) { runtime::run_until_done(loop, std::move(task)); }
    /// Runs SQL in the database, beside the store.
    void execute(const std::string& sql) const { connect()->run(sql); }
    [[nodiscard]] std::unique_ptr<Connection> connect() const {
        return std::make_unique<Connection>(server.address(name), Timeouts(), Use::Setup);
    }
    /// Ends all connections to the database.
    void cut_connections() const {
        constexpr store::Sql others(
            "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> "
            "connection_id()");
        const auto connection = connect();
        std::vector<std::int64_t> ids;
        {
            auto rows = connection->query(others);
            while (rows.next()) ids.push_back(rows.integer(0));
        }
        for (const std::int64_t id : ids) {
            try {
                server.run("KILL " + std::to_string(id));
            } catch (const store::StoreFault&) {
                continue;  // it has ended by itself
            }
        }
    }
    [[nodiscard]] bool tells(const std::string& line) const {
        return metrics.scrape().find(line) != std::string::npos;
    }
    /// Of a metric without labels.
    [[nodiscard]] double value_of(const std::string& metric) const {
        const std::string text = metrics.scrape();
        const std::size_t line = text.find("\n" + metric + " ");
        require(line != std::string::npos, "the store has the metric");
        return std::stod(text.substr(line + metric.size() + 2));
    }

    TestServer& server;
    std::string name;
    telemetry::Metrics metrics;
    runtime::Loop loop{"test"};
};

inline constexpr store::Sql insert_event("INSERT INTO event (number) VALUES (?)");

/// Stores a number once: a row of a plain table and one of a sequenced table.
inline store::Command store_number(std::int64_t number) {
    return [number](store::Transaction& tx) -> std::expected<int, std::string> {
        tx.execute(store::insert_item, number, "text");
        tx.execute(insert_event, number);
        return 1;
    };
}

/// Stores numbers, one command each, from several tasks at once, and remembers what was said of
/// them.
class Load {
public:
    Load(runtime::Loop& loop, store::Store& store, int tasks, std::int64_t first = 1)
        : store_(store), next_(first), running_(tasks) {
        for (int task = 0; task < tasks; ++task) runtime::spawn(loop, "load", store_numbers(task));
    }

    void stop() { stopping_ = true; }
    [[nodiscard]] bool ended() const { return running_ == 0; }

    std::set<std::int64_t> stored;   // acknowledged
    std::set<std::int64_t> refused;  // answered with a fault of the store: not stored
    std::vector<std::string> wrong;  // answered with anything else
    std::string last_fault;

private:
    awaitable<void> store_numbers(int task) {
        while (!stopping_) {
            const std::int64_t number = next_++;
            co_await store_one(number, {static_cast<std::uint64_t>(task)});
        }
        --running_;
    }
    awaitable<void> store_one(std::int64_t number, store::Route route) {
        bool failed = false;
        try {
            co_await store_.write(store_number(number), route);
            stored.insert(number);
        } catch (const store::StoreFault& fault) {
            refused.insert(number);
            last_fault = fault.what();
            failed = true;
        } catch (const std::exception& fault) {
            wrong.emplace_back(fault.what());
        }
        if (failed) co_await runtime::sleep_for(Milliseconds(5));
    }

    store::Store& store_;
    std::int64_t next_;
    int running_;
    bool stopping_ = false;
};

/// The numbers that are stored, read beside every store.
inline std::set<std::int64_t> stored_numbers(const TestWorld& world, const char* table) {
    constexpr store::Sql items("SELECT id FROM item");
    constexpr store::Sql events("SELECT number FROM event");
    std::set<std::int64_t> numbers;
    const auto connection = world.connect();
    auto rows = connection->query(std::string_view(table) == "item" ? items : events);
    while (rows.next()) numbers.insert(rows.integer(0));
    return numbers;
}

}  // namespace florin::mariadb
