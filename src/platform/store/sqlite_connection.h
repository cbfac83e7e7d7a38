#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "platform/store/session.h"

struct sqlite3;

namespace florin::store {

/// How long a statement waits for the lock of another process.
inline constexpr int busy_timeout_ms = 10'000;

/// One connection to an SQLite file with its prepared statements. Belongs to one thread at a time.
///
/// A statement that fails throws `StatementRefused` when the statement is to blame (a broken
/// constraint, wrong SQL): the transaction goes on without it. Everything else (disk, memory,
/// corruption) is a `StoreFault`, which the connection remembers, so that no command can hide it
/// from its neighbours.
class SqliteConnection final : public Transaction {
public:
    enum class Access : std::uint8_t { ReadWrite, ReadOnly };
    enum class Durability : std::uint8_t { EveryCommit, None };

    SqliteConnection(const std::filesystem::path& file, Access access, Durability durability,
                     int cache_mib);
    ~SqliteConnection() override;
    SqliteConnection(const SqliteConnection&) = delete;
    SqliteConnection& operator=(const SqliteConnection&) = delete;

    /// Runs statements that return nothing, from text.
    void run(const std::string& sql);
    /// The number a pragma or a count answers.
    [[nodiscard]] std::int64_t number(const Sql& sql);

    /// Ends the transaction, if one is under way, without a trace. Does not throw: when SQLite
    /// cannot roll back, it already has.
    void roll_back();
    [[nodiscard]] bool in_transaction() const;
    /// Rows changed since the connection was opened, those of triggers included.
    [[nodiscard]] std::int64_t total_changes() const;

    /// The first `StoreFault` of a statement since `forget_fault`; empty: none.
    [[nodiscard]] const std::string& fault() const { return fault_; }
    void forget_fault() { fault_.clear(); }

    [[nodiscard]] sqlite3* handle() { return database_; }

protected:
    Statement& prepared(const Sql& sql) override;

private:
    class Prepared;
    [[noreturn]] void fail(int code, std::string_view doing);

    sqlite3* database_ = nullptr;
    std::string fault_;
    std::unordered_map<const char*, std::unique_ptr<Prepared>>
        statements_;  // by the text's address
};

}  // namespace florin::store
