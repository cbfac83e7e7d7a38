#pragma once

#include <mutex>
#include <string>

#include "platform/store/batch_metrics.h"
#include "platform/store/store.h"

namespace florin::store {

class SqliteConnection;

/// Runs batches of commands, each batch in one transaction with one sync. Belongs to the writer
/// thread, except where noted.
class BatchWriter {
public:
    BatchWriter(SqliteConnection& connection, telemetry::Metrics& metrics);

    /// Runs a list of commands and commits what is kept. Afterwards each operation holds its result
    /// or its fault, ready to be completed. Does not throw: a database that fails is every caller's
    /// fault.
    void run(WriteOperation* first);

    /// Why the last batch could not be stored; empty when it was. Thread-safe.
    [[nodiscard]] std::string fault() const;

private:
    void attempt(WriteOperation* first);
    [[nodiscard]] bool run_together(WriteOperation* first);
    void run_apart(WriteOperation* first);
    void require_sound_transaction() const;
    void commit();
    void fail(WriteOperation* first, const std::string& reason);
    void recover();

    SqliteConnection& connection_;
    BatchMetrics metrics_;

    bool failing_ = false;
    mutable std::mutex mutex_;
    std::string fault_;  // guarded by mutex_
};

}  // namespace florin::store
