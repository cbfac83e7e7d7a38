#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "platform/store/migrations.h"
#include "platform/store/store.h"

namespace florin::telemetry {
class Metrics;
}

namespace florin::store {

struct SqliteOptions {
    /// The database file; nothing: a private database in memory that keeps nothing (`--ephemeral`).
    std::optional<std::filesystem::path> file;
    /// Applied in order before anything else; `sqlite_migrations()` for the product's own schema.
    std::vector<Migration> migrations;

    std::size_t batch_commands_max = 1'024;
    std::size_t write_queue_max = 65'536;
    std::size_t read_queue_max = 65'536;
    int readers = 1;
    /// Page caches in MiB: the writer's, and each reader's.
    int writer_cache_mib = 64;
    int reader_cache_mib = 16;
    /// The write-ahead log is folded back into the database when it has grown past this.
    int wal_limit_mib = 64;
    /// Of a database that is created; an existing one keeps its own.
    int page_bytes = 4'096;
};

/// Opens (and creates) the database: WAL, `synchronous=FULL`, one writer thread with group commit,
/// reader threads, checkpoints on a thread of their own. Refuses a second process on the same file
/// and a schema newer than its migrations. Throws `StoreFault` with a message a person can act on.
/// Destroying the store runs what is queued, checkpoints and closes; no operation may be under way
/// on a loop that still runs.
std::unique_ptr<Store> open_sqlite(const SqliteOptions& options, telemetry::Metrics& metrics);

}  // namespace florin::store
