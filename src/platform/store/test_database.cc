#include "platform/store/test_database.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "platform/base/require.h"
#include "platform/store/sqlite_store.h"
#include "platform/store/store_test_support.h"

namespace florin::store {

class TestDatabase::Backing {
public:
    virtual ~Backing() = default;
    virtual std::unique_ptr<Store> open(telemetry::Metrics& metrics,
                                        const TestStoreOptions& options) = 0;
    [[nodiscard]] virtual std::filesystem::path file() const { return {}; }
};

namespace {

class SqliteBacking final : public TestDatabase::Backing {
public:
    explicit SqliteBacking(std::vector<Migration> schema) : schema_(std::move(schema)) {}

    std::unique_ptr<Store> open(telemetry::Metrics& metrics,
                                const TestStoreOptions& options) override {
        SqliteOptions sqlite;
        sqlite.file = file();
        sqlite.migrations = schema_;
        sqlite.write_queue_max = options.write_queue_max;
        return open_sqlite(sqlite, metrics);
    }
    [[nodiscard]] std::filesystem::path file() const override { return folder_.file(); }

private:
    const std::vector<Migration> schema_;
    TestFolder folder_;
};

/// Migrations hold views; a test's own lives as long as the process.
Migration next_migration(const std::vector<Migration>& all, const char* sql) {
    static std::vector<std::unique_ptr<std::string>> names;
    std::string number = std::to_string(all.size() + 1);
    number.insert(0, 4 - number.size(), '0');
    names.push_back(std::make_unique<std::string>(number + "_test.sql"));
    return {*names.back(), sql};
}

}  // namespace

TestSchema TestSchema::product() {
    return {sqlite_migrations(), mariadb_migrations()};
}

TestSchema TestSchema::product_and(const char* sqlite, const char* mariadb) {
    TestSchema schema = product();
    schema.sqlite.push_back(next_migration(schema.sqlite, sqlite));
    schema.mariadb.push_back(next_migration(schema.mariadb, mariadb));
    return schema;
}

TestDatabase::Kind TestDatabase::kind_asked_for() {
    const char* asked = std::getenv("FLORIN_TEST_STORE");  // NOLINT(concurrency-mt-unsafe)
    const std::string_view kind = asked != nullptr ? asked : "sqlite";
    if (kind == "sqlite") return Kind::Sqlite;
    if (kind == "mariadb") return Kind::Mariadb;
    throw std::runtime_error("FLORIN_TEST_STORE is \"" + std::string(kind) +
                             "\": choose sqlite or mariadb");
}

TestDatabase::TestDatabase(TestSchema schema, Kind kind) : kind_(kind) {
    require(kind_ == Kind::Sqlite, "only SQLite is behind this class");
    backing_ = std::make_unique<SqliteBacking>(std::move(schema.sqlite));
}

TestDatabase::~TestDatabase() = default;

std::unique_ptr<Store> TestDatabase::open(telemetry::Metrics& metrics,
                                          const TestStoreOptions& options) const {
    return backing_->open(metrics, options);
}

std::filesystem::path TestDatabase::file() const {
    require(kind_ == Kind::Sqlite, "only SQLite has a file");
    return backing_->file();
}

}  // namespace florin::store
