#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>

#include "platform/store/session.h"

struct sqlite3;

namespace florin::store {

/// One connection to an SQLite file with its prepared statements. Belongs to one thread at a time.
class SqliteConnection final : public Transaction {
public:
    enum class Access { ReadWrite, ReadOnly };

    SqliteConnection(const std::filesystem::path& file, Access access, int cache_mib);
    ~SqliteConnection() override;
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    /// Runs statements that return nothing, from text. Throws `StoreFault`.
    void run(const char* sql);
    /// Rows changed since the connection was opened.
    [[nodiscard]] std::int64_t total_changes() const;
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] sqlite3* handle() { return database_; }

protected:
    Statement& prepared(const Sql& sql) override;

private:
    class Prepared;
    sqlite3* database_ = nullptr;
    std::unordered_map<const char*, std::unique_ptr<Prepared>>
        statements_;  // by the text's address
};

/// Throws a `StoreFault` that says what failed and, where there is one, the remedy.
[[noreturn]] void throw_store_fault(sqlite3* database, std::string_view doing);

}  // namespace florin::store
