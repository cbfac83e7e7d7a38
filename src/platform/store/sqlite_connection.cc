#include "platform/store/sqlite_connection.h"

#include <sqlite3.h>

#include "platform/store/store.h"

namespace florin::store {

void throw_store_fault(sqlite3* database, std::string_view doing) {
    const int code = sqlite3_errcode(database);
    const char* file = sqlite3_db_filename(database, "main");
    std::string text = "the database " + std::string(file != nullptr ? file : "") +
                       " failed while " + std::string(doing) + ": " + sqlite3_errmsg(database);
    if (code == SQLITE_FULL) text += " (free some space; the service goes on by itself)";
    throw StoreFault(text);
}

class SqliteConnection::Prepared final : public Statement {
public:
    Prepared(sqlite3* database, std::string_view sql) : database_(database) {
        if (sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()),
                               SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) != SQLITE_OK) {
            throw_store_fault(database, "preparing " + std::string(sql));
        }
    }
    ~Prepared() override { sqlite3_finalize(statement_); }
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    void reset() override { sqlite3_reset(statement_); }
    void bind(int parameter, std::int64_t value) override {
        sqlite3_bind_int64(statement_, parameter + 1, value);
    }
    // An empty view may have no address, which SQLite would take for NULL.
    void bind(int parameter, std::string_view text) override {
        sqlite3_bind_text(statement_, parameter + 1, text.data() != nullptr ? text.data() : "",
                          static_cast<int>(text.size()), SQLITE_STATIC);
    }
    void bind(int parameter, Blob blob) override {
        sqlite3_bind_blob(statement_, parameter + 1,
                          blob.bytes.data() != nullptr ? blob.bytes.data() : "",
                          static_cast<int>(blob.bytes.size()), SQLITE_STATIC);
    }
    void bind_null(int parameter) override { sqlite3_bind_null(statement_, parameter + 1); }

    bool step() override {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        sqlite3_reset(statement_);
        throw_store_fault(database_, "running a statement");
    }

    [[nodiscard]] bool is_null(int column) const override {
        return sqlite3_column_type(statement_, column) == SQLITE_NULL;
    }
    [[nodiscard]] std::int64_t integer(int column) const override {
        return sqlite3_column_int64(statement_, column);
    }
    [[nodiscard]] std::string_view text(int column) const override {
        const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
        return {bytes != nullptr ? bytes : "",
                static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    [[nodiscard]] std::string_view blob(int column) const override {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        return {bytes != nullptr ? bytes : "",
                static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
    }
    [[nodiscard]] std::int64_t changed() const override { return sqlite3_changes64(database_); }

private:
    sqlite3* database_;
    sqlite3_stmt* statement_ = nullptr;
};

SqliteConnection::SqliteConnection(const std::filesystem::path& file, Access access,
                                   int cache_mib) {
    const int flags = (access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                                  : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                      SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) {
        const std::string reason = sqlite3_errmsg(database_);
        sqlite3_close_v2(database_);
        throw StoreFault("cannot open the database " + file.string() + ": " + reason);
    }
    sqlite3_busy_timeout(database_, 10'000);
    run(("PRAGMA cache_size=" + std::to_string(-1'024 * cache_mib)).c_str());
    run("PRAGMA temp_store=MEMORY");
}

SqliteConnection::~SqliteConnection() {
    statements_.clear();
    sqlite3_close_v2(database_);
}

void SqliteConnection::run(const char* sql) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
        throw_store_fault(database_, sql);
    }
}

std::int64_t SqliteConnection::total_changes() const {
    return sqlite3_total_changes64(database_);
}

bool SqliteConnection::in_transaction() const {
    return sqlite3_get_autocommit(database_) == 0;
}

Statement& SqliteConnection::prepared(const Sql& sql) {
    auto& slot = statements_[sql.text().data()];
    if (!slot) slot = std::make_unique<Prepared>(database_, sql.text());
    return *slot;
}

}  // namespace florin::store
