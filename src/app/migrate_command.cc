#include "app/migrate_command.h"

#include <cstdio>
#include <vector>

#include <fmt/format.h>

#include "app/command_line.h"
#include "app/database_address.h"
#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/store/migrations.h"
#include "platform/store/sequenced_tables.h"
#include "platform/store/store.h"

namespace florin::app {
namespace {

void apply_all(const mariadb::Address& address) {
    mariadb::Options options;
    options.address = address;
    options.migrations = store::mariadb_migrations();
    options.sequenced_tables = store::sequenced_tables();
    mariadb::migrate_mariadb(options);
}

int migrate(const mariadb::Address& address, MigrateForm form) {
    const auto& all = store::mariadb_migrations();
    const auto pending = mariadb::pending_migrations(address, all);
    fmt::print("database {}: {} of {} migrations are applied\n", address.text(),
               all.size() - pending.size(), all.size());
    const char* const word = form == MigrateForm::DryRun ? "would apply" : "applied";
    if (form == MigrateForm::Apply) apply_all(address);
    for (const auto& name : pending) fmt::print("  {} {}\n", word, name);
    return exit_ok;
}

}  // namespace

int run_migrate(const Settings& settings, MigrateForm form) {
    const auto address = database_address(settings);
    if (!address) {
        fmt::print(stderr,
                   "florin: no DB_URL or DB_HOST is set: a database in DATA_DIR is brought up to "
                   "date by `florin serve` itself\n");
        return exit_usage;
    }
    try {
        return migrate(*address, form);
    } catch (const store::StoreFault& fault) {
        fmt::print(stderr, "florin: {}\n", fault.what());
        return exit_failure;
    }
}

}  // namespace florin::app
