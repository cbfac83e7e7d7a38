#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "platform/base/random.h"
#include "platform/mariadb/lane_health.h"
#include "platform/mariadb/link.h"
#include "platform/store/batch_metrics.h"
#include "platform/store/operation_queue.h"

namespace florin::mariadb {

/// One writing connection with its queue and its thread. It runs what is queued as one transaction,
/// commits, and answers; a batch is what came during the commit before.
class WriteLane {
public:
    WriteLane(int number, const Options& options, Identity& identity,
              const store::BatchMetrics& metrics, telemetry::Counter reconnects);
    ~WriteLane();
    WriteLane(const WriteLane&) = delete;
    WriteLane& operator=(const WriteLane&) = delete;

    /// False when the queue is full. Thread-safe.
    bool push(store::WriteOperation& operation) { return queue_->push(operation); }
    /// Runs what is queued and ends the thread.
    void close();
    /// Why the last batch could not be stored; empty: it was. Thread-safe.
    [[nodiscard]] std::string fault() const { return health_.fault(); }
    [[nodiscard]] std::shared_ptr<store::OperationQueue<store::WriteOperation>> queue() const {
        return queue_;
    }

private:
    using Operation = store::WriteOperation;
    /// How one attempt at a batch ended.
    enum class End : std::uint8_t {
        Stored,
        Duplicate,  // a row is there already: another process may have been faster
        Refused,    // a command was refused after it had changed rows
        Collision,  // another transaction stood in the way
        Blocked,    // one did for so long that it may go on
        Lost,       // the connection broke before the commit: nothing is stored
        Unknown,    // it broke in the commit, and the process ends before it is back
        Failed
    };

    using Clock = std::chrono::steady_clock;

    /// How a batch has gone so far.
    struct Course {
        bool apart = false;     // each command with a savepoint, nothing waits
        bool repeated = false;  // a duplicate has been given a second chance
        int collisions = 0;
        int blocks = 0;
        int losses = 0;
        Clock::time_point patient_until;  // set by the first loss
    };

    void work();
    Operation* next_batch();
    void probe();
    void run(Operation* first);
    bool connect_patiently();
    bool still_lacks_space();
    bool goes_on(Course& course, End end);
    bool goes_on_after_loss(Course& course);
    End attempt(Operation* first, const Course& course);
    End run_together(Operation* first);
    End run_apart(Operation* first);
    End end_of_fault(const std::exception& fault);
    store::Verdict run_with_savepoint(Operation& operation);
    void require_sound_transaction() const;
    void commit();
    End resolve(End unless_stored);
    std::optional<End> look_at_commit(End unless_stored);
    void fail(Operation* first, const std::exception_ptr& fault);
    void refuse(Operation* first);
    void refuse_what_waits();

    const int number_;
    const Options& options_;
    Identity& identity_;
    store::BatchMetrics metrics_;
    // Shared with the gauges of its length, which may be read after the store is gone.
    const std::shared_ptr<store::OperationQueue<Operation>> queue_;
    Link link_;
    Random random_;
    Connection* connection_ = nullptr;  // the link's, during a batch
    std::int64_t mark_ = 0;             // of the last transaction that went to its commit
    bool committing_ = false;
    Failure failure_;  // of the last attempt
    LaneHealth health_;
    Clock::time_point next_probe_;
    std::thread thread_;
};

}  // namespace florin::mariadb
