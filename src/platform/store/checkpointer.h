#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <thread>

#include "platform/telemetry/metrics.h"

namespace florin::store {

class SqliteConnection;

/// Folds the write-ahead log back into the database, beside the writer. The bulk is done on a
/// thread of its own; since a busy writer always adds frames meanwhile, only the writer itself,
/// between two batches, can reach the log's end, after which SQLite starts the log over.
class Checkpointer {
public:
    Checkpointer(std::filesystem::path file, int wal_limit_mib, telemetry::Metrics& metrics);
    ~Checkpointer();

    /// The writer tells the log's length after each commit, and lends its connection for the last
    /// bit.
    void after_commit(SqliteConnection& writer, std::int64_t wal_pages);

private:
    void run(const std::filesystem::path& file);

    const std::int64_t start_pages_;
    const std::int64_t limit_pages_;
    telemetry::Histogram seconds_;
    std::atomic<std::int64_t> wal_pages_{0};
    std::atomic<bool> busy_{false};
    std::atomic<bool> bulk_done_{false};
    std::mutex mutex_;
    std::condition_variable wanted_;
    bool requested_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace florin::store
