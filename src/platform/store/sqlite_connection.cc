#include "platform/store/sqlite_connection.h"

#include <system_error>

#include <sqlite3.h>

#include "platform/store/store.h"

namespace florin::store {
namespace {

/// SQLite counts each allocation under a lock all its connections share: a tenth of the writer's
/// time, for numbers nobody reads. It can be told only before its first use.
void configure_library() {
    [[maybe_unused]] static const int told = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/// Whether a statement, not the database, is to blame: what was before it in the transaction is
/// sound.
bool is_refusal(int code) {
    return code == SQLITE_CONSTRAINT || code == SQLITE_ERROR || code == SQLITE_MISMATCH ||
           code == SQLITE_TOOBIG || code == SQLITE_RANGE || code == SQLITE_MISUSE;
}

std::string describe(sqlite3* database, int code, std::string_view doing) {
    const char* name = sqlite3_db_filename(database, "main");
    const std::string file = name != nullptr ? name : "";
    const std::string reason = sqlite3_errmsg(database);
    if (code == SQLITE_FULL) {
        return "the database cannot be written: the disk is full (" + file +
               "); free some space, the service goes on by itself";
    }
    if (code == SQLITE_READONLY) {
        return "the database cannot be written: " + file +
               " is read-only; give this user the right to write it";
    }
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        return file + " is not a sound database (" + reason +
               "): restore a backup, or move the file away";
    }
    // A full disk has a code of its own; this is a file at its size limit, or a disk that fails.
    if (code == SQLITE_IOERR && sqlite3_extended_errcode(database) == SQLITE_IOERR_WRITE) {
        return "the database cannot be written: " + reason + " at " + file +
               "; see to the disk, or raise the limit on the size of files (ulimit -f), the "
               "service goes on by itself";
    }
    std::string text =
        "the database " + file + " failed while " + std::string(doing) + ": " + reason;
    if (code == SQLITE_IOERR) {
        const int error = sqlite3_system_errno(database);
        if (error != 0) text += " (" + std::generic_category().message(error) + ")";
    }
    return text;
}

}  // namespace

class SqliteConnection::Prepared final : public Statement {
public:
    Prepared(SqliteConnection& connection, std::string_view sql) : connection_(connection) {
        check(sqlite3_prepare_v3(connection.database_, sql.data(), static_cast<int>(sql.size()),
                                 SQLITE_PREPARE_PERSISTENT, &statement_, nullptr),
              sql);
        // A query is stepped after its arguments may be gone, so its values are copied; a command's
        // statement runs while they are still there.
        if (sqlite3_stmt_readonly(statement_) != 0) keep_ = SQLITE_TRANSIENT;
    }
    ~Prepared() override { sqlite3_finalize(statement_); }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    // Answers the error of the last step once more, which has been thrown already.
    void reset() override { sqlite3_reset(statement_); }

    void bind(int parameter, std::int64_t value) override {
        check(sqlite3_bind_int64(statement_, parameter + 1, value), "binding a number");
    }
    // An empty view may have no address, which SQLite would take for NULL.
    void bind(int parameter, std::string_view text) override {
        check(sqlite3_bind_text64(statement_, parameter + 1,
                                  text.data() != nullptr ? text.data() : "", text.size(), keep_,
                                  SQLITE_UTF8),
              "binding a text");
    }
    void bind(int parameter, Blob blob) override {
        const auto& bytes = blob.bytes;
        check(sqlite3_bind_blob64(statement_, parameter + 1,
                                  bytes.data() != nullptr ? bytes.data() : "", bytes.size(), keep_),
              "binding bytes");
    }
    void bind_null(int parameter) override {
        check(sqlite3_bind_null(statement_, parameter + 1), "binding nothing");
    }

    bool step() override {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        sqlite3_reset(statement_);
        connection_.fail(code, sqlite3_sql(statement_));
    }

    [[nodiscard]] bool is_null(int column) const override {
        return sqlite3_column_type(statement_, column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const override {
        return sqlite3_column_int64(statement_, column);
    }
    [[nodiscard]] std::string_view text(int column) const override {
        return view(sqlite3_column_text(statement_, column), column);
    }
    [[nodiscard]] std::string_view blob(int column) const override {
        return view(sqlite3_column_blob(statement_, column), column);
    }
    [[nodiscard]] std::int64_t changed() const override {
        return sqlite3_changes64(connection_.database_);
    }

private:
    void check(int code, std::string_view doing) const {
        if (code != SQLITE_OK) connection_.fail(code, doing);
    }
    [[nodiscard]] std::string_view view(const void* bytes, int column) const {
        if (bytes == nullptr) return {};
        return {static_cast<const char*>(bytes),
                static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }

    SqliteConnection& connection_;
    sqlite3_stmt* statement_ = nullptr;
    sqlite3_destructor_type keep_ = SQLITE_STATIC;
};

SqliteConnection::SqliteConnection(const std::filesystem::path& file, Access access,
                                   Durability durability, int cache_mib) {
    configure_library();
    // One thread at a time uses a connection, so SQLite needs no lock of its own around each call.
    const int flags = SQLITE_OPEN_NOMUTEX |
                      (access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
        const std::string text =
            "cannot open the database " + file.string() + ": " + sqlite3_errmsg(database_);
        sqlite3_close_v2(database_);
        throw StoreFault(text);
    }
    try {
        sqlite3_busy_timeout(database_, busy_timeout_ms);
        run("PRAGMA cache_size=" + std::to_string(-1'024 * cache_mib));
        run("PRAGMA temp_store=MEMORY");
        run(durability == Durability::EveryCommit ? "PRAGMA synchronous=FULL"
                                                  : "PRAGMA synchronous=OFF");
    } catch (const std::runtime_error&) {
        sqlite3_close_v2(database_);
        throw;
    }
}

SqliteConnection::~SqliteConnection() {
    statements_.clear();
    sqlite3_close_v2(database_);
}

void SqliteConnection::run(const std::string& sql) {
    const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail(code, sql);
}

std::int64_t SqliteConnection::number(const Sql& sql) {
    auto rows = query(sql);
    return rows.next() ? rows.integer(0) : 0;
}

void SqliteConnection::roll_back() {
    if (in_transaction()) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool SqliteConnection::in_transaction() const {
    return sqlite3_get_autocommit(database_) == 0;
}

std::int64_t SqliteConnection::total_changes() const {
    return sqlite3_total_changes64(database_);
}

void SqliteConnection::fail(int code, std::string_view doing) {
    const int primary = code & 0xFF;  // the rest is the extended code
    const std::string text = describe(database_, primary, doing);
    if (is_refusal(primary)) throw StatementRefused(text);
    if (fault_.empty()) fault_ = text;
    throw StoreFault(text);
}

Statement& SqliteConnection::prepared(const Sql& sql) {
    auto& slot = statements_[sql.text().data()];
    if (!slot) slot = std::make_unique<Prepared>(*this, sql.text());
    return *slot;
}

}  // namespace florin::store
