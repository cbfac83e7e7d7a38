#include "platform/transfer/import.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/mariadb/test_server.h"
#include "platform/store/sqlite_connection.h"
#include "platform/store/sqlite_snapshot.h"
#include "platform/store/store_test_support.h"
#include "platform/transfer/export.h"
#include "platform/transfer/mariadb_target.h"
#include "platform/transfer/sqlite_target.h"

namespace florin::transfer {
namespace {

namespace fs = std::filesystem;

const std::vector<store::Migration> sqlite_schema = {
    {"0001_test.sql",
     "CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL, extra "
     "BLOB);"
     "CREATE TABLE pair (a TEXT NOT NULL, b BLOB NOT NULL, n INTEGER, PRIMARY KEY (a, b))"
     " WITHOUT ROWID;"
     "CREATE TABLE keyed (number INTEGER PRIMARY KEY, digest BLOB NOT NULL);"
     "CREATE TABLE own (x INTEGER PRIMARY KEY);"}};
const std::vector<store::Migration> mariadb_schema = {
    {"0001_test.sql",
     "CREATE TABLE IF NOT EXISTS event (seq BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT,"
     " payload MEDIUMTEXT NOT NULL, extra MEDIUMBLOB) ENGINE=InnoDB;"
     "CREATE TABLE IF NOT EXISTS pair (a VARCHAR(64) NOT NULL, b VARBINARY(64) NOT NULL, n BIGINT,"
     " PRIMARY KEY (a, b)) ENGINE=InnoDB;"
     "CREATE TABLE IF NOT EXISTS keyed (digest BINARY(4) NOT NULL PRIMARY KEY) ENGINE=InnoDB;"
     "CREATE TABLE IF NOT EXISTS own (x BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB"}};
const LeftOut left_out{
    {"own", "schema_migration", "store_batch", "store_commit_order", "store_identity"},
    {"keyed.number"}};

constexpr store::Sql add_event("INSERT INTO event (payload, extra) VALUES (?, ?)");
constexpr store::Sql remove_events("DELETE FROM event WHERE seq > ?");
constexpr store::Sql add_pair("INSERT INTO pair (a, b, n) VALUES (?, ?, ?)");
constexpr store::Sql add_keyed("INSERT INTO keyed (digest) VALUES (?)");
constexpr store::Sql count_events("SELECT count(*) FROM event");
constexpr store::Sql last_event("SELECT max(seq) FROM event");

Proofs prove(store::Snapshot& snapshot) {
    auto rows = snapshot.query(count_events);
    require(rows.next(), "a count is a row");
    return {{"events", std::to_string(rows.integer(0))}};
}

/// A database with everything that is hard to move.
void fill(const fs::path& file, int events = 2'500) {
    store::SqliteConnection database(file, store::SqliteConnection::Access::ReadWrite,
                                     store::SqliteConnection::Durability::None, 8);
    store::migrate(database, sqlite_schema);
    database.run("BEGIN");
    for (int i = 0; i < events; ++i)
        database.execute(add_event, "event \"" + std::to_string(i) + "\"\n한", std::nullopt);
    database.execute(add_event, std::string(2'000'000, 'x'), store::Blob{"\xFF\x01"});
    // Numbers that were given once are never given again.
    for (int i = 0; i < 5; ++i) database.execute(add_event, "pruned", std::nullopt);
    database.execute(remove_events, events + 1);
    for (const char* const text : {"", "A", "a", "a ", "한", "\U0001F4B0"}) {
        for (const std::string_view bytes : {std::string_view("\0", 1), std::string_view("\xFF")})
            database.execute(add_pair, text, store::Blob{bytes}, std::int64_t{1} << 62U);
    }
    database.execute(add_pair, "null", store::Blob{""}, std::nullopt);
    for (int i = 0; i < 100; ++i)
        database.execute(add_keyed, store::Blob{std::to_string(9'999 - i * 7)});
    database.run("INSERT INTO own (x) VALUES (1)");
    database.run("COMMIT");
}

std::string exported(store::Snapshot& snapshot, Statements& statements) {
    std::ostringstream out;
    ExportWriter writer(out);
    export_database(snapshot, statements, left_out, {1, "a test"}, prove(snapshot), writer);
    return out.str();
}

std::string exported(const fs::path& file) {
    Statements statements;
    const auto snapshot = store::open_sqlite_snapshot(file, sqlite_schema);
    return exported(*snapshot, statements);
}

FileEnd import_text(const std::string& text, ImportTarget& target, Statements& statements) {
    std::istringstream in(text);
    ExportReader reader(in);
    return import_database(reader, target, statements, {1, left_out, prove});
}

FileEnd import_into(const fs::path& file, const std::string& text) {
    Statements statements;
    SqliteTarget target(file, sqlite_schema);
    return import_text(text, target, statements);
}

/// The lines but the first, in order of their text: what two databases that number or sort their
/// rows in other ways have in common.
std::vector<std::string> content(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (line.find("\"sha256\"") == std::string::npos) lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
}

class Import : public ::testing::Test {
protected:
    Import() { fill(source()); }
    [[nodiscard]] fs::path source() const { return folder.file(); }
    [[nodiscard]] fs::path target() const { return folder.file().parent_path() / "new" / "it.db"; }

    store::TestFolder folder;
};

TEST_F(Import, AnSqliteDatabaseMovesWhole) {
    const std::string text = exported(source());
    const FileEnd end = import_into(target(), text);
    EXPECT_EQ(end.tables, 3);
    EXPECT_EQ(end.rows, 2'501 + 13 + 100);
    EXPECT_EQ(exported(target()), text);
}

TEST_F(Import, NumbersContinueBehindThoseThatWereEverGiven) {
    import_into(target(), exported(source()));
    store::SqliteConnection database(target(), store::SqliteConnection::Access::ReadWrite,
                                     store::SqliteConnection::Durability::None, 8);
    database.execute(add_event, "next", std::nullopt);
    EXPECT_EQ(database.number(last_event), 2'501 + 5 + 1);
}

TEST_F(Import, WhatIsBrokenIsRefusedWithItsLineAndNothingStays) {
    const std::string text = exported(source());
    for (const std::string& broken : {std::string("hello\n"), text.substr(0, text.size() / 2),
                                      text.substr(0, text.size() - 1), text + "\n"}) {
        try {
            import_into(target(), broken);
            FAIL() << "it was imported";
        } catch (const BrokenExport& refused) {
            EXPECT_TRUE(std::string_view(refused.what()).starts_with("line ")) << refused.what();
        }
        EXPECT_FALSE(fs::exists(target()));
    }
    import_into(target(), text);
    EXPECT_EQ(exported(target()), text);
}

TEST_F(Import, ARowThatTheDatabaseRefusesEndsIt) {
    std::string text = exported(source());
    const auto at = text.find("[1,");
    text.insert(at, text.substr(at, text.find('\n', at) + 1 - at));
    EXPECT_THROW(import_into(target(), text), BrokenExport);
    EXPECT_FALSE(fs::exists(target()));
}

TEST_F(Import, AnotherSchemaOrProofIsRefused) {
    Statements statements;
    SqliteTarget into(target(), sqlite_schema);
    std::istringstream in(exported(source()));
    ExportReader reader(in);
    EXPECT_THROW(import_database(reader, into, statements, {2, left_out, prove}), BrokenExport);
    in = std::istringstream(exported(source()));
    ExportReader again(in);
    const auto otherwise = [](store::Snapshot&) { return Proofs{{"events", "many"}}; };
    EXPECT_THROW(import_database(again, into, statements, {1, left_out, otherwise}), ImportRefused);
}

TEST_F(Import, ADatabaseThatIsThereIsNeverTouched) {
    const std::string text = exported(source());
    EXPECT_THROW(import_into(source(), text), store::StoreFault);
    EXPECT_EQ(exported(source()), text);
}

TEST_F(Import, ALogThatADatabaseLeftIsRefusedBecauseItWouldBeWrittenIntoTheNewOne) {
    const std::string text = exported(source());
    fs::create_directories(target().parent_path());
    for (const std::string kind : {"-wal", "-journal"}) {
        const fs::path log = target().string() + kind;
        std::ofstream(log) << "pages of another database";
        try {
            import_into(target(), text);
            FAIL() << "it was imported";
        } catch (const store::StoreFault& refused) {
            EXPECT_NE(std::string_view(refused.what()).find(log.string()), std::string_view::npos)
                << refused.what();
        }
        EXPECT_FALSE(fs::exists(target()));
        fs::remove(log);
    }
    import_into(target(), text);
    EXPECT_EQ(exported(target()), text);
}

/// An empty database of the tests' MariaDB.
class MariaDbImport : public Import {
protected:
    MariaDbImport() {
        auto& server = mariadb::TestServer::shared();
        server.run("DROP DATABASE IF EXISTS transfer");
        server.run("CREATE DATABASE transfer");
        address = server.address("transfer");
    }
    [[nodiscard]] std::string of_mariadb() const {
        Statements statements;
        const auto snapshot = mariadb::open_mariadb_snapshot(address, mariadb_schema);
        return exported(*snapshot, statements);
    }
    void import(const std::string& text) {
        Statements statements;
        MariaDbTarget into(address, mariadb_schema, left_out);
        import_text(text, into, statements);
    }
    mariadb::Address address;
};

TEST_F(MariaDbImport, ADatabaseMovesThereAndBack) {
    const std::string text = exported(source());
    import(text);
    const std::string there = of_mariadb();
    EXPECT_EQ(content(there), content(text));
    import_into(target(), there);
    EXPECT_EQ(content(exported(target())), content(text));
}

TEST_F(MariaDbImport, OneThatWasNotFinishedIsNobodysAndBeginsAnew) {
    const std::string text = exported(source());
    EXPECT_THROW(import(text.substr(0, text.size() - 10)), BrokenExport);
    mariadb::Options options;
    options.address = address;
    options.migrations = mariadb_schema;
    telemetry::Metrics metrics;
    try {
        const auto opened = mariadb::open_mariadb(options, metrics);
        FAIL() << "it was opened";
    } catch (const store::StoreFault& refused) {
        EXPECT_NE(std::string_view(refused.what()).find("florin import"), std::string_view::npos)
            << refused.what();
    }
    import(text);
    EXPECT_EQ(content(of_mariadb()), content(text));
    EXPECT_NE(mariadb::open_mariadb(options, metrics), nullptr);
}

TEST_F(MariaDbImport, ADatabaseWithRowsIsNeverTouched) {
    const std::string text = exported(source());
    import(text);
    EXPECT_THROW(import(text), store::StoreFault);
    EXPECT_EQ(content(of_mariadb()), content(text));
}

}  // namespace
}  // namespace florin::transfer
