#include "platform/store/test_database.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "platform/base/require.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/mariadb/test_server.h"
#include "platform/store/sqlite_connection.h"
#include "platform/store/sqlite_store.h"
#include "platform/store/store_test_support.h"
#include "platform/telemetry/log.h"

namespace florin::store {

class TestDatabase::Backing {
public:
    virtual ~Backing() = default;
    virtual std::unique_ptr<Store> open(telemetry::Metrics& metrics,
                                        const TestStoreOptions& options) = 0;
    virtual void run(const std::string& sql) = 0;
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
    void run(const std::string& sql) override {
        SqliteConnection(file(), SqliteConnection::Access::ReadWrite,
                         SqliteConnection::Durability::EveryCommit, 1)
            .run(sql);
    }
    [[nodiscard]] std::filesystem::path file() const override { return folder_.file(); }

private:
    const std::vector<Migration> schema_;
    TestFolder folder_;
};

class MariadbBacking final : public TestDatabase::Backing {
public:
    explicit MariadbBacking(TestSchema schema) : schema_(std::move(schema)) {
        static std::atomic<int> databases{0};
        name_ = "test_" + std::to_string(++databases);
        mariadb::TestServer::shared().run("CREATE DATABASE " + name_);
    }
    ~MariadbBacking() override {
        try {
            mariadb::TestServer::shared().run("DROP DATABASE " + name_);
        } catch (const std::runtime_error& fault) {
            telemetry::warning("A test's database stays until its server goes",
                               {{"reason", fault.what()}});
        }
    }
    MariadbBacking(const MariadbBacking&) = delete;
    MariadbBacking& operator=(const MariadbBacking&) = delete;

    std::unique_ptr<Store> open(telemetry::Metrics& metrics,
                                const TestStoreOptions& options) override {
        mariadb::Options mariadb;
        mariadb.address = mariadb::TestServer::shared().address(name_);
        mariadb.migrations = schema_.mariadb;
        mariadb.sequenced_tables = schema_.sequenced_tables;
        mariadb.write_queue_max = options.write_queue_max;
        mariadb.timeouts = mariadb::patient_timeouts();
        mariadb.outage_patience = mariadb::patience;
        return mariadb::open_mariadb(mariadb, metrics);
    }
    void run(const std::string& sql) override {
        mariadb::Connection(mariadb::TestServer::shared().address(name_), {}, mariadb::Use::Setup)
            .run(sql);
    }

private:
    const TestSchema schema_;
    std::string name_;
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
    if (kind_ == Kind::Sqlite) {
        backing_ = std::make_unique<SqliteBacking>(std::move(schema.sqlite));
    } else {
        backing_ = std::make_unique<MariadbBacking>(std::move(schema));
    }
}

TestDatabase::~TestDatabase() = default;

std::unique_ptr<Store> TestDatabase::open(telemetry::Metrics& metrics,
                                          const TestStoreOptions& options) const {
    return backing_->open(metrics, options);
}

void TestDatabase::run(const std::string& sql) const {
    backing_->run(sql);
}

std::filesystem::path TestDatabase::file() const {
    require(kind_ == Kind::Sqlite, "only SQLite has a file");
    return backing_->file();
}

}  // namespace florin::store
