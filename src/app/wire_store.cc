#include "app/wire_store.h"

#include "app/database_address.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/store/migrations.h"
#include "platform/store/sequenced_tables.h"
#include "platform/store/sqlite_store.h"

namespace florin::app {
namespace {

// Long enough for a database that starts together with us, short enough for a person who waits.
constexpr std::chrono::seconds start_patience{15};

}  // namespace

std::unique_ptr<store::Store> open_store(const Settings& settings, telemetry::Metrics& metrics) {
    if (const auto address = database_address(settings)) {
        mariadb::Options options;
        options.address = *address;
        options.migrations = store::mariadb_migrations();
        options.migrate = settings.database.migrate;
        options.sequenced_tables = store::sequenced_tables();
        options.start_patience = start_patience;
        return mariadb::open_mariadb(options, metrics);
    }
    store::SqliteOptions options;
    if (!settings.storage.ephemeral) options.file = settings.storage.data_dir / "florin.db";
    options.migrations = store::sqlite_migrations();
    return store::open_sqlite(options, metrics);
}

std::string store_place(const Settings& settings) {
    if (const auto address = database_address(settings)) return "MariaDB " + address->text();
    return settings.storage.ephemeral ? "in memory only" : settings.storage.data_dir.string();
}

}  // namespace florin::app
