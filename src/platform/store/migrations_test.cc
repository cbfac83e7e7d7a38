#include "platform/store/migrations.h"

#include <gtest/gtest.h>

#include "platform/store/sqlite_connection.h"
#include "platform/store/store_test_support.h"

namespace florin::store {
namespace {

constexpr Migration first{"0001_first.sql",
                          "CREATE TABLE first (id INTEGER); INSERT INTO first VALUES (1);"};
constexpr Migration second{"0002_second.sql", "CREATE TABLE second (id INTEGER);"};
constexpr Sql tables("SELECT count(*) FROM sqlite_master WHERE name IN ('first', 'second')");
constexpr Sql recorded("SELECT max(version) FROM schema_migration");

class Migrations : public testing::Test {
protected:
    std::string refusal_of(const std::vector<Migration>& all) {
        try {
            migrate(database_, all);
        } catch (const StoreFault& fault) {
            return fault.what();
        }
        return "";
    }

    TestFolder folder_;
    SqliteConnection database_{folder_.file(), SqliteConnection::Access::ReadWrite,
                               SqliteConnection::Durability::None, 1};
};

TEST_F(Migrations, ApplyWhatIsMissingOnce) {
    migrate(database_, {first});
    EXPECT_EQ(database_.number(recorded), 1);
    migrate(database_, {first, second});
    migrate(database_, {first, second});
    EXPECT_EQ(database_.number(recorded), 2);
    EXPECT_EQ(database_.number(tables), 2);
}

TEST_F(Migrations, RefuseADatabaseThatIsNewer) {
    migrate(database_, {first, second});
    EXPECT_EQ(
        refusal_of({first}),
        "the database has schema version 2, newer than the 1 of this build: run the newer build, or"
        " restore a backup made before it");
}

TEST_F(Migrations, RefuseAChangeToWhatIsApplied) {
    migrate(database_, {first});
    EXPECT_EQ(
        refusal_of({{first.name, "CREATE TABLE other (id INTEGER);"}, second}),
        "migration 0001_first.sql has changed since it was applied to this database: put the change"
        " into a new migration");
    EXPECT_EQ(database_.number(tables), 1);
}

TEST_F(Migrations, RefuseGapsBeforeAnythingIsApplied) {
    EXPECT_EQ(
        refusal_of({first, {"0003_third.sql", ""}}),
        "migration 0003_third.sql should have the number 2: numbers start with 1 and go up by one");
    EXPECT_EQ(database_.number(tables), 0);
}

TEST_F(Migrations, LeaveNoTraceOfOneThatFails) {
    const std::string refusal = refusal_of(
        {first,
         {"0002_broken.sql", "CREATE TABLE second (id INTEGER); INSERT INTO nowhere VALUES (1);"}});
    EXPECT_NE(refusal.find("cannot apply migration 0002_broken.sql"), std::string::npos) << refusal;
    EXPECT_NE(refusal.find("no such table: nowhere"), std::string::npos) << refusal;
    EXPECT_EQ(database_.number(tables), 1);
    EXPECT_EQ(database_.number(recorded), 1);
    EXPECT_EQ(refusal_of({first, second}), "");
}

}  // namespace
}  // namespace florin::store
