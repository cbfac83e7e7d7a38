#include "platform/store/sqlite_store.h"

#include <thread>

#include "platform/store/batch_writer.h"
#include "platform/store/checkpointer.h"
#include "platform/store/database_file.h"
#include "platform/store/operation_queue.h"
#include "platform/store/snapshot_gate.h"
#include "platform/store/sqlite_connection.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
namespace {

using Access = SqliteConnection::Access;
using Durability = SqliteConnection::Durability;

constexpr Sql begin_sql("BEGIN");
// Bounds how long one snapshot lives, and with it how much of the log a reader holds back.
constexpr std::size_t queries_per_snapshot_max = 256;

class SqliteStore final : public Store {
public:
    SqliteStore(const SqliteOptions& options, telemetry::Metrics& metrics);
    ~SqliteStore() override;

    [[nodiscard]] StoreState state() const override;

protected:
    void submit(WriteOperation& operation) override;
    void submit(ReadOperation& operation) override;

private:
    std::unique_ptr<SqliteConnection> connect(Access access, int cache_mib) const;
    void prepare_database();
    void write_batches();
    void read_batches(SqliteConnection& connection);

    const SqliteOptions options_;
    const DatabaseFile file_;
    // Shared with the gauges of their lengths, which may be read after the store is gone.
    const std::shared_ptr<OperationQueue<WriteOperation>> writes_;
    const std::shared_ptr<OperationQueue<ReadOperation>> reads_;
    std::unique_ptr<SqliteConnection> writer_;
    BatchWriter batches_;
    SnapshotGate gate_;
    std::unique_ptr<Checkpointer> checkpointer_;
    std::vector<std::unique_ptr<SqliteConnection>> readers_;
    std::vector<std::thread> threads_;
};

SqliteStore::SqliteStore(const SqliteOptions& options, telemetry::Metrics& metrics)
    : options_(options),
      file_(options.file ? DatabaseFile::at(*options.file) : DatabaseFile::ephemeral()),
      writes_(std::make_shared<OperationQueue<WriteOperation>>(options.write_queue_max)),
      reads_(std::make_shared<OperationQueue<ReadOperation>>(options.read_queue_max)),
      writer_(connect(Access::ReadWrite, options.writer_cache_mib)),
      batches_(*writer_, metrics) {
    prepare_database();
    for (int i = 0; i < options_.readers; ++i) {
        readers_.push_back(connect(Access::ReadOnly, options_.reader_cache_mib));
    }
    checkpointer_ = std::make_unique<Checkpointer>(connect(Access::ReadWrite, 1), *writer_, gate_,
                                                   options_.wal_limit_mib, metrics);
    metrics.gauge_from("florin_store_write_queue", "Commands that wait for the writer.", {},
                       [queue = writes_] { return static_cast<double>(queue->size()); });
    metrics.gauge_from("florin_store_read_queue", "Queries that wait for a reader.", {},
                       [queue = reads_] { return static_cast<double>(queue->size()); });
    threads_.emplace_back([this] { write_batches(); });
    for (auto& reader : readers_) {
        threads_.emplace_back([this, &connection = *reader] { read_batches(connection); });
    }
}

std::unique_ptr<SqliteConnection> SqliteStore::connect(Access access, int cache_mib) const {
    const auto durability = options_.file ? Durability::EveryCommit : Durability::None;
    return std::make_unique<SqliteConnection>(file_.path(), access, durability, cache_mib);
}

void SqliteStore::prepare_database() {
    writer_->run("PRAGMA page_size=" + std::to_string(options_.page_bytes));
    writer_->run("PRAGMA journal_mode=WAL");
    writer_->run("PRAGMA wal_autocheckpoint=0");
    writer_->run("PRAGMA foreign_keys=ON");
    migrate(*writer_, options_.migrations);
}

SqliteStore::~SqliteStore() {
    writes_->close();
    reads_->close();
    for (auto& thread : threads_) thread.join();
    checkpointer_.reset();
    readers_.clear();
    try {
        // A clean stop leaves one file. When it cannot, the next start reads the log.
        writer_->run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const std::runtime_error& fault) {
        telemetry::warning("The write-ahead log could not be folded back at the end",
                           {{"reason", fault.what()}});
    }
}

StoreState SqliteStore::state() const {
    const std::string fault = batches_.fault();
    return {fault.empty(), fault, writes_->size(), reads_->size()};
}

void SqliteStore::submit(WriteOperation& operation) {
    if (!writes_->push(operation))
        complete_overloaded(operation, options_.write_queue_max, "commands");
}

void SqliteStore::submit(ReadOperation& operation) {
    if (!reads_->push(operation))
        complete_overloaded(operation, options_.read_queue_max, "queries");
}

// Answer after the sync, not before: a client that saw the answer may ship the goods. A batch is
// what queued up while the one before was syncing, so an idle system pays one sync per command and
// a busy one a fraction of it.
void SqliteStore::write_batches() {
    while (WriteOperation* const first = writes_->take(options_.batch_commands_max)) {
        batches_.run(first);
        complete_all(first);
        checkpointer_->after_commit();
    }
}

void SqliteStore::read_batches(SqliteConnection& connection) {
    while (ReadOperation* const first = reads_->take(queries_per_snapshot_max)) {
        gate_.enter();
        // Opens no file yet: the snapshot begins with the first query, whose fault is that query's.
        connection.execute(begin_sql);
        for (auto* query = first; query != nullptr; query = next_of(query)) query->run(connection);
        connection.roll_back();
        gate_.leave();
        complete_all(first);
    }
}

}  // namespace

std::unique_ptr<Store> open_sqlite(const SqliteOptions& options, telemetry::Metrics& metrics) {
    return std::make_unique<SqliteStore>(options, metrics);
}

}  // namespace florin::store
