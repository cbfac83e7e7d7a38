#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "platform/mariadb/address.h"
#include "platform/mariadb/connection.h"
#include "platform/store/migrations.h"
#include "platform/store/store.h"

namespace florin::telemetry {
class Metrics;
}

namespace florin::mariadb {

struct Options {
    Address address;
    /// What the database has had, in order, before anything else; `store::mariadb_migrations()` for
    /// the product's own schema. Each statement of them must be repeatable (IF NOT EXISTS, OR
    /// REPLACE): MariaDB cannot take back a change of the schema, so one that was interrupted runs
    /// again from its start.
    std::vector<store::Migration> migrations;
    /// Whether a start applies them. Else it is refused over a database that lacks any.
    bool migrate = true;
    /// Tables whose AUTO_INCREMENT numbers are in the order of the commits, over all processes:
    /// those that consumers follow.
    std::vector<std::string> sequenced_tables;

    std::size_t batch_commands_max = 512;
    std::size_t write_queue_max = 65'536;  // of each writing connection
    std::size_t read_queue_max = 65'536;
    Timeouts timeouts;
    /// How long a start waits for a server that is not there yet. One that refuses the user, the
    /// password, the database or the certificate is not waited for.
    std::chrono::milliseconds start_patience{0};
    /// How long a batch whose connection was lost waits for the next one; later batches fail at
    /// once until the server is back.
    std::chrono::milliseconds outage_patience{2'000};
};

/// Connects, applies migrations under a lock that all processes share (or looks whether they are
/// applied), and starts the threads: one for each writing connection, which runs its commands in
/// batches, and one for each reading one. Commands go to connections by their route. Throws
/// `StoreFault` with a message a person can act on. Destroying the store runs what is queued; no
/// operation may be under way on a loop that still runs.
///
/// Statements use their text for MariaDB (`Sql`). Inside a command queries lock the rows they find,
/// and plain inserts of one row are sent with those of its neighbours; what such an insert violates
/// shows when the batch is run again. Use INSERT IGNORE where a row may be there already and the
/// number of rows matters.
std::unique_ptr<store::Store> open_mariadb(const Options& options, telemetry::Metrics& metrics);

/// Applies migrations and closes again: what a deployment does before it starts new processes.
void migrate_mariadb(const Options& options);

}  // namespace florin::mariadb
