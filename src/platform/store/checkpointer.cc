#include "platform/store/checkpointer.h"

#include <chrono>

#include <sqlite3.h>

#include "platform/store/snapshot_gate.h"
#include "platform/store/sqlite_connection.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr Sql page_size_sql("PRAGMA page_size");
constexpr int rounds_max = 8;
// What the writer may be left to copy itself: a millisecond or two.
constexpr int rest_frames_max = 256;
// How long the writer waits for readers of old frames: briefly, and longer when the log is far too
// long.
constexpr Milliseconds patience{10};
constexpr Milliseconds patience_long{2'000};

void warn_of_log(sqlite3* database) {
    telemetry::warning("The write-ahead log cannot be folded back yet",
                       {{"reason", sqlite3_errmsg(database)}});
}

/// SQLite syncs the database only when it has copied the whole log, which is the writer's part.
/// Synced here, nearly everything is on disk by then.
void sync_database(sqlite3* database) {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_FILE_POINTER,
                             static_cast<void*>(&file)) != SQLITE_OK)
        return;
    if (file == nullptr || file->pMethods == nullptr) return;
    if (file->pMethods->xSync(file, SQLITE_SYNC_NORMAL) != SQLITE_OK) {
        telemetry::warning("The database cannot be synced; the log is kept",
                           {{"reason", sqlite3_errmsg(database)}});
    }
}

}  // namespace

Checkpointer::Checkpointer(std::unique_ptr<SqliteConnection> connection, SqliteConnection& writer,
                           SnapshotGate& gate, int wal_limit_mib, telemetry::Metrics& metrics)
    : connection_(std::move(connection)),
      writer_(writer),
      gate_(gate),
      page_bytes_(writer.number(page_size_sql)),
      start_frames_(std::int64_t{wal_limit_mib} * 1'048'576 / page_bytes_ * 3 / 4),
      stop_frames_(std::int64_t{wal_limit_mib} * 1'048'576 / page_bytes_ * 4),
      seconds_(metrics.histogram("florin_store_checkpoint_seconds",
                                 "Time to fold the bulk of the write-ahead log back.",
                                 telemetry::latency_bounds())),
      log_frames_(std::make_shared<std::atomic<std::int64_t>>(0)) {
    metrics.gauge_from("florin_store_wal_bytes", "Length of the write-ahead log in use.", {},
                       [frames = log_frames_, bytes = page_bytes_] {
                           return static_cast<double>(*frames * bytes);
                       });
    sqlite3_wal_hook(
        writer_.handle(),
        [](void* frames, sqlite3*, const char*, int count) {
            *static_cast<std::atomic<std::int64_t>*>(frames) = count;
            return SQLITE_OK;
        },
        log_frames_.get());
    thread_ = std::thread([this] { run(); });
}

Checkpointer::~Checkpointer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
    sqlite3_wal_hook(writer_.handle(), nullptr, nullptr);
}

void Checkpointer::after_commit() {
    const std::int64_t frames = *log_frames_;
    if (frames < start_frames_) {
        finish_frames_ = 0;
        return;
    }
    if (frames < finish_frames_) return;
    if (busy_ && frames < stop_frames_) return;
    wait_for_bulk();
    if (bulk_done_.exchange(false)) {
        finish(frames < stop_frames_ ? patience : patience_long);
        // A reader may still need the old frames; try again when the log has grown by a quarter.
        finish_frames_ = frames + start_frames_ / 4;
    } else {
        request();
    }
}

// While a reader uses old frames they cannot be folded back, and with readers that never rest the
// log would never start over: so they rest for a moment. A reader of another process (`florin
// ledger verify`) cannot be told to, and the writer does not wait for it: the log grows meanwhile.
void Checkpointer::finish(Milliseconds wait) {
    if (gate_.close(wait)) {
        sqlite3_busy_timeout(writer_.handle(), 0);
        const int code = sqlite3_wal_checkpoint_v2(writer_.handle(), nullptr,
                                                   SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
        if (code != SQLITE_OK) warn_of_log(writer_.handle());
        sqlite3_busy_timeout(writer_.handle(), busy_timeout_ms);
    }
    gate_.open();
}

void Checkpointer::request() {
    {
        const std::scoped_lock lock(mutex_);
        busy_ = true;
        requested_ = true;
    }
    changed_.notify_all();
}

void Checkpointer::wait_for_bulk() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
}

void Checkpointer::run() {
    while (true) {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return requested_ || stopping_; });
            if (stopping_) return;
            requested_ = false;
        }
        const auto start = std::chrono::steady_clock::now();
        fold_bulk();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        seconds_.observe(took.count());
        bulk_done_ = true;
        {
            const std::scoped_lock lock(mutex_);
            busy_ = false;
        }
        changed_.notify_all();
    }
}

// Each round copies what came during the one before, so the rest shrinks as long as copying is
// faster than writing.
void Checkpointer::fold_bulk() {
    for (int round = 0; round < rounds_max; ++round) {
        int frames = 0;
        int folded = 0;
        const int code = sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr,
                                                   SQLITE_CHECKPOINT_PASSIVE, &frames, &folded);
        if (code != SQLITE_OK) {
            warn_of_log(connection_->handle());
            return;
        }
        sync_database(connection_->handle());
        if (*log_frames_ - folded <= rest_frames_max) return;
    }
}

}  // namespace florin::store
