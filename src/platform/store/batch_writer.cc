#include "platform/store/batch_writer.h"

#include <chrono>
#include <exception>

#include "platform/store/operation_queue.h"
#include "platform/store/sqlite_connection.h"
#include "platform/telemetry/log.h"

namespace florin::store {
namespace {

constexpr Sql begin_sql("BEGIN IMMEDIATE");
constexpr Sql commit_sql("COMMIT");
constexpr Sql savepoint_sql("SAVEPOINT command");
constexpr Sql release_sql("RELEASE command");
constexpr Sql undo_sql("ROLLBACK TO command");

}  // namespace

BatchWriter::BatchWriter(SqliteConnection& connection, telemetry::Metrics& metrics)
    : connection_(connection), metrics_(metrics) {}

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
        metrics_.retries.add();
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
    metrics_.commands.observe(commands);
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
    metrics_.commands.observe(commands);
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
    metrics_.commit_seconds.observe(took.count());
}

void BatchWriter::fail(WriteOperation* first, const std::string& reason) {
    metrics_.faults.add();
    fail_all(first, std::make_exception_ptr(StoreFault(reason)));
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
