#include "platform/transfer/sqlite_target.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "platform/store/sqlite_connection.h"
#include "platform/store/store.h"

namespace florin::transfer {
namespace {

namespace fs = std::filesystem;
using store::SqliteConnection;
using store::StoreFault;

constexpr store::Sql raise_sql("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?");
constexpr store::Sql begin_sql(
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, ? FROM sqlite_schema"
    " WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'");
constexpr int cache_mib = 64;

std::string reason(int error) {
    return std::system_category().message(error);
}

// SQLite takes a log that lies beside a database for that database's own.
void require_no_log(const fs::path& file) {
    for (const char* const kind : {"-wal", "-journal"}) {
        const fs::path log = file.string() + kind;
        std::error_code unknown;
        if (!fs::exists(log, unknown) && !unknown) continue;
        throw StoreFault("there is " + log.string() +
                         ", the log of a database that is gone: it may hold payments that stand "
                         "nowhere else, and would be written into the new one. Move it away, or "
                         "name another folder with --data-dir");
    }
}

fs::path require_no_database(const fs::path& file) {
    std::error_code missing;
    const auto size = fs::file_size(file, missing);
    if (!missing && size != 0) {
        throw StoreFault("there is a database " + file.string() +
                         " already: an import needs a folder without one; name it with --data-dir");
    }
    require_no_log(file);
    return file;
}

/// A new file that only this user can read, in the place of what an earlier import left.
fs::path made(const fs::path& file) {
    fs::remove(file);
    fs::remove(file.string() + "-journal");
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) throw StoreFault("cannot create " + file.string() + ": " + reason(errno));
    ::close(descriptor);
    return file;
}

void sync(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int failed = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
    if (descriptor >= 0) ::close(descriptor);
    if (failed != 0) throw StoreFault("cannot sync " + path.string() + ": " + reason(failed));
}

}  // namespace

SqliteTarget::SqliteTarget(const fs::path& file, const std::vector<store::Migration>& migrations)
    : file_(require_no_database(file)),
      growing_(file.string() + ".importing"),
      lock_(store::DatabaseFile::at(file)) {
    made(growing_);
    // Nothing of it has to outlive a crash: what is not finished is thrown away.
    connection_ = std::make_unique<SqliteConnection>(growing_, SqliteConnection::Access::ReadWrite,
                                                     SqliteConnection::Durability::None, cache_mib);
    connection_->run("PRAGMA journal_mode=MEMORY");
    store::migrate(*connection_, migrations);
}

SqliteTarget::~SqliteTarget() {
    connection_.reset();
    if (finished_) return;
    std::error_code kept;  // the next import removes it
    fs::remove(growing_, kept);
    fs::remove(file_, kept);  // the lock's, and empty
}

store::Transaction& SqliteTarget::session() {
    if (!connection_->in_transaction()) connection_->run("BEGIN");
    return *connection_;
}

store::Snapshot& SqliteTarget::read_back() {
    return *connection_;
}

void SqliteTarget::commit_part() {
    if (connection_->in_transaction()) connection_->run("COMMIT");
}

void SqliteTarget::number_above(const std::string& table, std::int64_t position) {
    if (connection_->execute(raise_sql, position, table) == 0)
        connection_->execute(begin_sql, position, table);
}

void SqliteTarget::finish() {
    connection_.reset();
    sync(growing_);
    fs::rename(growing_, file_);
    finished_ = true;
    sync(file_.parent_path().empty() ? fs::path(".") : file_.parent_path());
}

}  // namespace florin::transfer
