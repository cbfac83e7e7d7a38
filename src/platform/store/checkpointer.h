#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "platform/base/time.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {

class SnapshotGate;
class SqliteConnection;

/// Folds the write-ahead log back into the database, beside the writer. A thread of its own copies
/// and syncs the bulk; since a busy writer adds frames meanwhile, only the writer itself, between
/// two batches, can reach the log's end, after which SQLite writes the log from its start again.
class Checkpointer {
public:
    /// `connection` is for the thread alone. `writer` is used by `after_commit` alone.
    Checkpointer(std::unique_ptr<SqliteConnection> connection, SqliteConnection& writer,
                 SnapshotGate& gate, int wal_limit_mib, telemetry::Metrics& metrics);
    ~Checkpointer();
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    /// The writer calls it between batches. It waits here when the log has grown to four times its
    /// limit because copying is slower than writing.
    void after_commit();

private:
    void run();
    void fold_bulk();
    void finish(Milliseconds wait);
    void request();
    void wait_for_bulk();

    std::unique_ptr<SqliteConnection> connection_;
    SqliteConnection& writer_;
    SnapshotGate& gate_;
    const std::int64_t page_bytes_;
    const std::int64_t start_frames_;
    const std::int64_t stop_frames_;  // the writer waits here for the thread
    telemetry::Histogram seconds_;

    std::shared_ptr<std::atomic<std::int64_t>> log_frames_;  // the gauge may outlive this object
    std::int64_t finish_frames_ = 0;  // of the writer: no second try before the log is this long
    std::atomic<bool> bulk_done_{false};
    std::atomic<bool> busy_{false};  // from a request to the end of its work

    std::mutex mutex_;
    std::condition_variable changed_;
    bool requested_ = false;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace florin::store
