#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "platform/store/migrations.h"
#include "platform/store/sequenced_tables.h"
#include "platform/store/store.h"

namespace florin::telemetry {
class Metrics;
}

namespace florin::store {

/// The schema of a test's database, for each kind of database it may be.
struct TestSchema {
    std::vector<Migration> sqlite;
    std::vector<Migration> mariadb;
    std::vector<std::string> sequenced_tables = store::sequenced_tables();

    /// The schema this build carries.
    static TestSchema product();
    /// The product's and one more migration, with the next number.
    static TestSchema product_and(const char* sqlite, const char* mariadb);
};

struct TestStoreOptions {
    std::size_t write_queue_max = 65'536;
};

/// The database of one test, fresh at first and gone with this object. Which kind it is says the
/// environment variable FLORIN_TEST_STORE (`sqlite`, the default, or `mariadb`), so that one suite
/// proves every adapter.
class TestDatabase {
public:
    enum class Kind : std::uint8_t { Sqlite, Mariadb };
    /// What FLORIN_TEST_STORE asks for. Tests of one kind alone skip by it.
    static Kind kind_asked_for();

    TestDatabase() : TestDatabase(TestSchema::product()) {}
    explicit TestDatabase(TestSchema schema, Kind kind = kind_asked_for());
    ~TestDatabase();
    TestDatabase(const TestDatabase&) = delete;
    TestDatabase& operator=(const TestDatabase&) = delete;

    /// Opens it as a process does when it starts. Again after the last one is gone: a restart,
    /// which finds what was there. Of MariaDB several may be open at once, as several processes
    /// would; SQLite refuses that.
    [[nodiscard]] std::unique_ptr<Store> open(telemetry::Metrics& metrics,
                                              const TestStoreOptions& options = {}) const;
    /// Runs SQL beside the store: triggers, tables. Throws when it is refused.
    void run(const std::string& sql) const;
    [[nodiscard]] Kind kind() const { return kind_; }
    /// Of an SQLite database.
    [[nodiscard]] std::filesystem::path file() const;

    class Backing;

private:
    const Kind kind_;
    std::unique_ptr<Backing> backing_;
};

}  // namespace florin::store
