#include "platform/store/checkpointer.h"

#include <chrono>

#include <sqlite3.h>

#include "platform/store/sqlite_connection.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr std::int64_t page_bytes = 4'096;

}  // namespace

Checkpointer::Checkpointer(std::filesystem::path file, int wal_limit_mib,
                           telemetry::Metrics& metrics)
    : start_pages_(std::int64_t{wal_limit_mib} * 1'048'576 / page_bytes / 2),
      limit_pages_(std::int64_t{wal_limit_mib} * 1'048'576 / page_bytes),
      seconds_(
          metrics.histogram("florin_store_checkpoint_seconds",
                            "Time to fold the write-ahead log back, by thread and writer together.",
                            telemetry::latency_bounds())) {
    metrics.gauge_from("florin_store_wal_bytes", "Length of the write-ahead log.", {},
                       [this] { return static_cast<double>(wal_pages_ * page_bytes); });
    thread_ = std::thread([this, file = std::move(file)] { run(file); });
}

Checkpointer::~Checkpointer() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wanted_.notify_one();
    thread_.join();
}

void Checkpointer::after_commit(SqliteConnection& writer, std::int64_t wal_pages) {
    wal_pages_ = wal_pages;
    if (wal_pages < start_pages_ || busy_) return;
    if (bulk_done_.exchange(false) && wal_pages >= limit_pages_) {
        // A few hundred frames are left of many thousand: a short stop for the writer.
        sqlite3_wal_checkpoint_v2(writer.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr,
                                  nullptr);
        return;
    }
    {
        const std::scoped_lock lock(mutex_);
        requested_ = true;
    }
    busy_ = true;
    wanted_.notify_one();
}

void Checkpointer::run(const std::filesystem::path& file) {
    SqliteConnection connection(file, SqliteConnection::Access::ReadWrite, 1);
    while (true) {
        {
            std::unique_lock lock(mutex_);
            wanted_.wait(lock, [this] { return requested_ || stopping_; });
            if (stopping_) return;
            requested_ = false;
        }
        const auto start = std::chrono::steady_clock::now();
        const int code = sqlite3_wal_checkpoint_v2(connection.handle(), nullptr,
                                                   SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
        if (code != SQLITE_OK && code != SQLITE_BUSY) {
            telemetry::warning("The write-ahead log cannot be folded back yet",
                               {{"reason", sqlite3_errmsg(connection.handle())}});
        }
        seconds_.observe(
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        bulk_done_ = true;
        busy_ = false;
    }
}

}  // namespace florin::store
