#include "platform/store/batch_writer.h"

#include <chrono>
#include <exception>

#include "platform/store/sqlite_connection.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr Sql begin_sql("BEGIN IMMEDIATE");
constexpr Sql commit_sql("COMMIT");
constexpr Sql savepoint_sql("SAVEPOINT command");
constexpr Sql release_sql("RELEASE command");
constexpr Sql undo_sql("ROLLBACK TO command");

const std::vector<double> batch_bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};

WriteOperation* next_of(WriteOperation* operation) {
    return static_cast<WriteOperation*>(operation->next);
}

}  // namespace

BatchWriter::BatchWriter(SqliteConnection& connection, telemetry::Metrics& metrics)
    : connection_(connection),
      batch_commands_(metrics.histogram("florin_store_batch_commands",
                                        "Commands that shared one transaction.", batch_bounds)),
      commit_seconds_(metrics.histogram("florin_store_commit_seconds",
                                        "Time of one commit, its sync included.",
                                        telemetry::latency_bounds())),
      retries_(metrics.counter(
          "florin_store_batch_retries_total",
          "Batches run again because a command was refused after it had changed rows.")),
      faults_(metrics.counter("florin_store_faults_total", "Batches that could not be stored.")) {}

void BatchWriter::run(WriteOperation* first) {
    try {
        connection_.forget_fault();
        attempt(first);
        if (failing_) recover();
    } catch (const std::exception& fault) {
        connection_.roll_back();
        fail(first, fault.what());
    }
}

// Savepoints copy every page that a command touches, so they are left out until a command needs
// one: when one is refused after it has changed rows, the batch is rolled back and run again with
// them.
void BatchWriter::attempt(WriteOperation* first) {
    connection_.execute(begin_sql);
    if (!run_together(first)) {
        retries_.add();
        connection_.roll_back();
        connection_.execute(begin_sql);
        run_apart(first);
    }
    commit();
}

bool BatchWriter::run_together(WriteOperation* first) {
    int commands = 0;
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) {
        ++commands;
        const std::int64_t changes_before = connection_.total_changes();
        const Verdict verdict = operation->run(connection_);
        require_sound_transaction();
        if (verdict == Verdict::Discard && connection_.total_changes() != changes_before)
            return false;
    }
    batch_commands_.observe(commands);
    return true;
}

void BatchWriter::run_apart(WriteOperation* first) {
    int commands = 0;
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) {
        ++commands;
        connection_.execute(savepoint_sql);
        const Verdict verdict = operation->run(connection_);
        require_sound_transaction();
        if (verdict == Verdict::Discard) connection_.execute(undo_sql);
        connection_.execute(release_sql);
    }
    batch_commands_.observe(commands);
}

// After a full disk or an I/O error SQLite may have rolled everything back, and the next statement
// would run in a transaction of its own. Whatever the command made of the fault, its batch ends
// here.
void BatchWriter::require_sound_transaction() const {
    if (!connection_.fault().empty()) throw StoreFault(connection_.fault());
    if (!connection_.in_transaction())
        throw StoreFault("a command has ended the transaction of its batch");
}

void BatchWriter::commit() {
    const auto start = std::chrono::steady_clock::now();
    connection_.execute(commit_sql);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    commit_seconds_.observe(took.count());
}

void BatchWriter::fail(WriteOperation* first, const std::string& reason) {
    faults_.add();
    const auto fault = std::make_exception_ptr(StoreFault(reason));
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) {
        operation->fault = fault;
    }
    if (!failing_) telemetry::error("The database cannot be written", {{"reason", reason}});
    failing_ = true;
    const std::scoped_lock lock(mutex_);
    fault_ = reason;
}

void BatchWriter::recover() {
    telemetry::info("The database can be written again");
    failing_ = false;
    const std::scoped_lock lock(mutex_);
    fault_.clear();
}

std::string BatchWriter::fault() const {
    const std::scoped_lock lock(mutex_);
    return fault_;
}

}  // namespace florin::store
