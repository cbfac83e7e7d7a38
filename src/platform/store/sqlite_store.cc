#include "platform/store/sqlite_store.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include "platform/base/random.h"
#include "platform/store/checkpointer.h"
#include "platform/store/operation_queue.h"
#include "platform/store/sqlite_connection.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::store {
namespace {

/// Holds the one right to open a database file; the kernel gives it back when the process dies.
class FileLock {
public:
    explicit FileLock(const std::filesystem::path& database) {
        const std::string path = database.string() + ".lock";
        descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (descriptor_ < 0) {
            throw StoreFault("cannot create " + path + ": " +
                             std::system_category().message(errno) +
                             "; choose a writable folder with DATA_DIR");
        }
        if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
            ::close(descriptor_);
            throw StoreFault("another process has " + database.string() +
                             " open: stop it, or give this one a DATA_DIR of its own");
        }
    }
    ~FileLock() { ::close(descriptor_); }
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

private:
    int descriptor_ = -1;
};

/// A folder in memory for a database that keeps nothing; gone with this object.
class EphemeralFolder {
public:
    EphemeralFolder() {
        const std::filesystem::path base =
            ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path();
        std::string name = (base / "florin-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw StoreFault("cannot create a folder in " + base.string() + ": " +
                             std::system_category().message(errno));
        }
        path_ = name;
    }
    ~EphemeralFolder() {
        std::error_code ignored;  // what stays behind is a temporary folder in memory
        std::filesystem::remove_all(path_, ignored);
    }
    EphemeralFolder(const EphemeralFolder&) = delete;
    EphemeralFolder& operator=(const EphemeralFolder&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

std::vector<double> batch_bounds() {
    return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};
}

bool is_store_fault(const std::exception_ptr& fault) {
    if (!fault) return false;
    try {
        std::rethrow_exception(fault);
    } catch (const StoreFault&) {
        return true;
    } catch (...) {
        return false;  // the command's own fault: its caller gets it
    }
}

class SqliteStore final : public Store {
public:
    SqliteStore(const SqliteOptions& options, telemetry::Metrics& metrics);
    ~SqliteStore() override;

    [[nodiscard]] StoreState state() const override;

protected:
    void submit(WriteOperation& operation) override;
    void submit(ReadOperation& operation) override;

private:
    void open_database();
    void write_batches();
    void run_batch(WriteOperation* first);
    bool run_together(WriteOperation* first);
    void run_apart(WriteOperation* first);
    void fail_batch(WriteOperation* first, const std::string& reason);
    void commit();
    void read_batches(SqliteConnection& connection);
    void set_fault(std::string reason);

    SqliteOptions options_;
    std::optional<EphemeralFolder> ephemeral_;
    std::filesystem::path file_;
    std::optional<FileLock> lock_;
    telemetry::Histogram batch_commands_;
    telemetry::Histogram commit_seconds_;
    telemetry::Counter batch_retries_;
    telemetry::Counter faults_;

    OperationQueue<WriteOperation> writes_;
    OperationQueue<ReadOperation> reads_;
    std::int64_t wal_pages_ = 0;  // of the writer, set by its hook
    std::unique_ptr<SqliteConnection> writer_;
    std::vector<std::unique_ptr<SqliteConnection>> readers_;
    std::unique_ptr<Checkpointer> checkpointer_;

    mutable std::mutex fault_mutex_;
    std::string fault_;

    std::thread writer_thread_;
    std::vector<std::thread> reader_threads_;
};

SqliteStore::SqliteStore(const SqliteOptions& options, telemetry::Metrics& metrics)
    : options_(options),
      batch_commands_(metrics.histogram("florin_store_batch_commands",
                                        "Commands that shared one transaction.", batch_bounds())),
      commit_seconds_(metrics.histogram("florin_store_commit_seconds",
                                        "Time of one commit, its sync included.",
                                        telemetry::latency_bounds())),
      batch_retries_(
          metrics.counter("florin_store_batch_retries_total",
                          "Batches run again because one of their commands was refused late.")),
      faults_(metrics.counter("florin_store_faults_total", "Batches that could not be stored.")),
      writes_(options.write_queue_max),
      reads_(options.read_queue_max) {
    open_database();
    checkpointer_ = std::make_unique<Checkpointer>(file_, options_.wal_limit_mib, metrics);
    metrics.gauge_from("florin_store_write_queue", "Commands that wait for the writer.", {},
                       [this] { return static_cast<double>(writes_.size()); });
    metrics.gauge_from("florin_store_read_queue", "Queries that wait for a reader.", {},
                       [this] { return static_cast<double>(reads_.size()); });
    for (int i = 0; i < options_.readers; ++i) {
        readers_.push_back(std::make_unique<SqliteConnection>(
            file_, SqliteConnection::Access::ReadOnly, options_.reader_cache_mib));
    }
    writer_thread_ = std::thread([this] { write_batches(); });
    for (auto& reader : readers_) {
        reader_threads_.emplace_back([this, &connection = *reader] { read_batches(connection); });
    }
}

void SqliteStore::open_database() {
    if (options_.file) {
        file_ = std::filesystem::absolute(*options_.file);
        std::error_code failed;
        std::filesystem::create_directories(file_.parent_path(), failed);
        if (failed) {
            throw StoreFault("cannot create the folder " + file_.parent_path().string() + ": " +
                             failed.message() + "; choose a writable one with DATA_DIR");
        }
        lock_.emplace(file_);
    } else {
        file_ = ephemeral_.emplace().path() / "florin.db";
    }
    writer_ = std::make_unique<SqliteConnection>(file_, SqliteConnection::Access::ReadWrite,
                                                 options_.writer_cache_mib);
    ::chmod(file_.c_str(), 0600);
    writer_->run(("PRAGMA page_size=" + std::to_string(options_.page_bytes)).c_str());
    writer_->run("PRAGMA journal_mode=WAL");
    writer_->run(options_.file ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=OFF");
    writer_->run("PRAGMA wal_autocheckpoint=0");
    writer_->run("PRAGMA foreign_keys=ON");
    migrate(writer_->handle(), options_.migrations);
    sqlite3_wal_hook(
        writer_->handle(),
        [](void* self, sqlite3*, const char*, int pages) {
            static_cast<SqliteStore*>(self)->wal_pages_ = pages;
            return SQLITE_OK;
        },
        this);
}

SqliteStore::~SqliteStore() {
    writes_.close();
    reads_.close();
    writer_thread_.join();
    for (auto& thread : reader_threads_) thread.join();
    checkpointer_.reset();
    readers_.clear();
    // A clean stop leaves one file. When it cannot, the next start reads the log.
    sqlite3_wal_checkpoint_v2(writer_->handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                              nullptr);
}

StoreState SqliteStore::state() const {
    const std::scoped_lock lock(fault_mutex_);
    return {fault_.empty(), fault_, writes_.size(), reads_.size()};
}

void SqliteStore::set_fault(std::string reason) {
    const std::scoped_lock lock(fault_mutex_);
    fault_ = std::move(reason);
}

void SqliteStore::submit(WriteOperation& operation) {
    if (writes_.push(operation)) return;
    operation.fault = std::make_exception_ptr(
        Overloaded("the store has " + std::to_string(options_.write_queue_max) +
                   " commands waiting; try again in a moment"));
    complete_all(&operation);
}

void SqliteStore::submit(ReadOperation& operation) {
    if (reads_.push(operation)) return;
    operation.fault = std::make_exception_ptr(
        Overloaded("the store has " + std::to_string(options_.read_queue_max) +
                   " queries waiting; try again in a moment"));
    complete_all(&operation);
}

void SqliteStore::write_batches() {
    while (WriteOperation* const first = writes_.take(options_.batch_commands_max)) {
        run_batch(first);
        complete_all(first);
        if (wal_pages_ > 0) checkpointer_->after_commit(*writer_, wal_pages_);
    }
}

// Answer after the sync, not before: a client that saw the answer may ship the goods. A batch is
// what queued up while the last one was syncing, so an idle system pays one sync per command and a
// busy one a fraction of it.
void SqliteStore::run_batch(WriteOperation* first) {
    try {
        writer_->run("BEGIN IMMEDIATE");
        if (!run_together(first)) {
            batch_retries_.add();
            writer_->run("ROLLBACK");
            writer_->run("BEGIN IMMEDIATE");
            run_apart(first);
        }
        commit();
        if (!state().healthy) {
            set_fault({});
            telemetry::info("The database can be written again");
        }
    } catch (const StoreFault& fault) {
        fail_batch(first, fault.what());
    }
}

// Savepoints copy every page a command touches, so they are left out until a command needs one:
// when one is refused after it has changed rows, the batch is rolled back and run again with them.
bool SqliteStore::run_together(WriteOperation* first) {
    int commands = 0;
    for (auto* operation = first; operation != nullptr;
         operation = static_cast<WriteOperation*>(operation->next)) {
        ++commands;
        const std::int64_t changes_before = writer_->total_changes();
        if (operation->run(*writer_) == Verdict::Keep) continue;
        if (is_store_fault(operation->fault)) std::rethrow_exception(operation->fault);
        if (writer_->total_changes() != changes_before) return false;
    }
    batch_commands_.observe(commands);
    return true;
}

void SqliteStore::run_apart(WriteOperation* first) {
    for (auto* operation = first; operation != nullptr;
         operation = static_cast<WriteOperation*>(operation->next)) {
        writer_->run("SAVEPOINT command");
        if (operation->run(*writer_) == Verdict::Discard) {
            if (is_store_fault(operation->fault)) std::rethrow_exception(operation->fault);
            writer_->run("ROLLBACK TO command");
        }
        writer_->run("RELEASE command");
    }
}

void SqliteStore::commit() {
    const auto start = std::chrono::steady_clock::now();
    writer_->run("COMMIT");
    commit_seconds_.observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void SqliteStore::fail_batch(WriteOperation* first, const std::string& reason) {
    faults_.add();
    if (writer_->in_transaction()) {
        sqlite3_exec(writer_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    const auto fault = std::make_exception_ptr(StoreFault(reason));
    for (auto* operation = first; operation != nullptr;
         operation = static_cast<WriteOperation*>(operation->next)) {
        operation->fault = fault;
    }
    if (state().healthy) telemetry::error("The database cannot be written", {{"reason", reason}});
    set_fault(reason);
}

void SqliteStore::read_batches(SqliteConnection& connection) {
    constexpr std::size_t queries_max = 256;
    while (ReadOperation* const first = reads_.take(queries_max)) {
        std::exception_ptr fault;
        try {
            connection.run("BEGIN");
            for (auto* operation = first; operation != nullptr;
                 operation = static_cast<ReadOperation*>(operation->next)) {
                operation->run(connection);
            }
            connection.run("COMMIT");
        } catch (const StoreFault&) {
            fault = std::current_exception();
            if (connection.in_transaction()) connection.run("ROLLBACK");
        }
        if (fault) {
            for (auto* operation = first; operation != nullptr;
                 operation = static_cast<ReadOperation*>(operation->next)) {
                operation->fault = fault;
            }
        }
        complete_all(first);
    }
}

}  // namespace

std::unique_ptr<Store> open_sqlite(const SqliteOptions& options, telemetry::Metrics& metrics) {
    return std::make_unique<SqliteStore>(options, metrics);
}

}  // namespace florin::store
