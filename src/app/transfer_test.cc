#include <gtest/gtest.h>

#include "app/transfer_command.h"
#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/mariadb/test_server.h"
#include "platform/store/migrations.h"
#include "platform/store/sqlite_connection.h"
#include "platform/store/store_test_support.h"

namespace florin::app {
namespace {

/// "integer" … by "table.column".
using Shape = std::map<std::string, std::string>;

Shape shape_of(store::Snapshot& snapshot) {
    Shape shape;
    for (const auto& table : transfer::tables_of(snapshot, transfer_left_out())) {
        for (const auto& column : table.columns)
            shape.emplace(table.name + '.' + column.name, transfer::name_of(column.kind));
    }
    return shape;
}

Shape of_sqlite() {
    const store::TestFolder folder;
    store::SqliteConnection database(folder.file(), store::SqliteConnection::Access::ReadWrite,
                                     store::SqliteConnection::Durability::None, 8);
    store::migrate(database, store::sqlite_migrations());
    return shape_of(database);
}

Shape of_mariadb() {
    auto& server = mariadb::TestServer::shared();
    server.run("CREATE DATABASE transfer_shape");
    mariadb::Options options;
    options.address = server.address("transfer_shape");
    options.migrations = store::mariadb_migrations();
    mariadb::migrate_mariadb(options);
    return shape_of(*mariadb::open_mariadb_snapshot(options.address, options.migrations));
}

TEST(Transfer, EveryTableOfOneDatabaseHasItsLikeInTheOther) {
    EXPECT_EQ(of_sqlite(), of_mariadb());
}

}  // namespace
}  // namespace florin::app
