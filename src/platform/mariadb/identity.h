#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/uuid.h"

namespace florin::mariadb {

class Connection;

/// What this process knows of the database it has written to, so that it never goes on over another
/// one: after a failover to a replica that is empty or lags behind, payments that were acknowledged
/// would be gone, and their idempotency keys with them. Every new connection is compared with it.
/// Thread-safe.
class Identity {
public:
    explicit Identity(int writers);

    /// Takes the database as the right one. For the first connection.
    void adopt(Connection& connection);
    /// Throws `StoreFault` when this is not the database that was adopted, or when it lacks
    /// something this process has seen committed; from then on every call throws, until the process
    /// is started again.
    void verify(Connection& connection);
    /// Why the database is refused; empty: it is not.
    [[nodiscard]] std::string refusal() const;

    /// SQL that marks a transaction of `writer`, inside it. Numbers only go up.
    [[nodiscard]] std::string mark(int writer, std::int64_t number) const;
    /// The last mark of `writer` that is stored. Throws `StoreFault` while a transaction that holds
    /// a later one is still open.
    std::int64_t stored_mark(Connection& connection, int writer) const;
    /// Remembers what was committed: the mark, and the number among all commits if it has one.
    void committed(int writer, std::int64_t number, std::int64_t commit_number);
    /// SQL that forgets the marks of this process, at a clean end.
    [[nodiscard]] std::string forget() const;

private:
    struct Known {
        Uuid database;
        std::int64_t commit_number = 0;
        std::vector<std::int64_t> marks;  // by writer
    };

    [[nodiscard]] Known known() const;
    [[nodiscard]] std::optional<std::string> complaint_about(Connection& connection) const;

    const Uuid instance_;
    mutable std::mutex mutex_;
    Known known_;
    std::string refusal_;
};

/// Removes the marks of processes that ended long ago without a chance to do so. For a connection
/// for setting up.
void forget_ended_processes(Connection& connection);

}  // namespace florin::mariadb
