#include "platform/mariadb/identity.h"

#include <algorithm>

#include <fmt/format.h>

#include "platform/crypto/secure_random.h"
#include "platform/mariadb/connection.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::mariadb {
namespace {

using store::Sql;
using store::StoreFault;

// Aggregates, so that they lock nothing: another transaction may hold these rows for long.
constexpr Sql database_sql("SELECT max(database_id) FROM store_identity");
constexpr Sql commit_sql("SELECT max(number) FROM store_commit_order");
constexpr Sql last_mark_sql(
    "SELECT coalesce(max(number), 0) FROM store_batch WHERE instance = ? AND writer = ?");
// Whose transaction is still open holds its mark.
constexpr Sql mark_sql(
    "SELECT number FROM store_batch WHERE instance = ? AND writer = ? FOR UPDATE NOWAIT");

// A process marks a transaction each second, by the sign that it lives: whose newest mark is so old
// has ended. Looked for without a lock, since the marks of open transactions are locked.
constexpr Sql ended_sql(
    "SELECT instance FROM store_batch GROUP BY instance"
    " HAVING max(started_at) < now() - INTERVAL 400 DAY");
constexpr Sql forget_sql("DELETE FROM store_batch WHERE instance = ?");

std::string hex(const Uuid& id) {
    std::string text;
    for (const std::uint8_t byte : id.bytes) text += fmt::format("{:02x}", byte);
    return text;
}

std::optional<Uuid> database_of(Connection& connection) {
    auto rows = connection.query(database_sql);
    if (!rows.next() || rows.is_null(0)) return std::nullopt;
    return rows.uuid(0);
}

std::int64_t last_mark(Connection& connection, const Uuid& instance, std::size_t writer) {
    auto rows = connection.query(last_mark_sql, instance, writer);
    return rows.next() ? rows.integer(0) : 0;
}

Uuid random_uuid() {
    Uuid id;
    crypto::fill_with_secure_random(id.bytes);
    return id;
}

}  // namespace

Identity::Identity(int writers) : instance_(random_uuid()) {
    known_.marks.resize(static_cast<std::size_t>(writers));
}

void Identity::adopt(Connection& connection) {
    const auto database = database_of(connection);
    if (!database)
        throw StoreFault("the database has no identity: its table store_identity is empty");
    const std::int64_t commit_number = connection.number(commit_sql);
    const std::scoped_lock lock(mutex_);
    known_.database = *database;
    known_.commit_number = commit_number;
}

void Identity::verify(Connection& connection) {
    if (const std::string before = refusal(); !before.empty()) throw StoreFault(before);
    const auto complaint = complaint_about(connection);
    if (!complaint) return;
    telemetry::error("The database is refused", {{"reason", *complaint}});
    const std::scoped_lock lock(mutex_);
    refusal_ = *complaint;
    throw StoreFault(refusal_);
}

// What is known is read before the database is asked: what others commit meanwhile is then in its
// answer.
std::optional<std::string> Identity::complaint_about(Connection& connection) const {
    constexpr const char* advice =
        "; nothing is written to it. Bring the right database back, or start Florin again when "
        "this "
        "one is to be used as it is";
    const Known before = known();
    try {
        if (database_of(connection) != before.database) {
            return fmt::format(
                "the database that answers now is not the one this process has used{}", advice);
        }
        if (const auto stored = connection.number(commit_sql); stored < before.commit_number) {
            return fmt::format(
                "the database has gone back in time: it ends at commit {}, this process has seen "
                "{}{}",
                stored, before.commit_number, advice);
        }
        for (std::size_t writer = 0; writer < before.marks.size(); ++writer) {
            const std::int64_t stored = last_mark(connection, instance_, writer);
            if (stored >= before.marks[writer]) continue;
            return fmt::format(
                "the database has gone back in time: it holds mark {} of writer {}, this process "
                "was "
                "told that {} is stored{}",
                stored, writer, before.marks[writer], advice);
        }
    } catch (const store::StatementRefused& refused) {
        return fmt::format("the database that answers now holds no tables of Florin ({}){}",
                           refused.what(), advice);
    }
    return std::nullopt;
}

Identity::Known Identity::known() const {
    const std::scoped_lock lock(mutex_);
    return known_;
}

std::string Identity::refusal() const {
    const std::scoped_lock lock(mutex_);
    return refusal_;
}

std::string Identity::mark(int writer, std::int64_t number) const {
    return fmt::format(
        "INSERT INTO store_batch (instance, writer, number) VALUES (x'{}', {}, {})"
        " ON DUPLICATE KEY UPDATE number = {}, started_at = now()",
        hex(instance_), writer, number, number);
}

std::int64_t Identity::stored_mark(Connection& connection, int writer) const {
    auto rows = connection.query(mark_sql, instance_, writer);
    return rows.next() ? rows.integer(0) : 0;
}

void Identity::committed(int writer, std::int64_t number, std::int64_t commit_number) {
    const std::scoped_lock lock(mutex_);
    known_.marks[static_cast<std::size_t>(writer)] = number;
    known_.commit_number = std::max(known_.commit_number, commit_number);
}

std::string Identity::forget() const {
    return fmt::format("DELETE FROM store_batch WHERE instance = x'{}'", hex(instance_));
}

void forget_ended_processes(Connection& connection) {
    std::vector<Uuid> ended;
    {
        auto rows = connection.query(ended_sql);
        while (rows.next()) ended.push_back(rows.uuid(0));
    }
    for (const Uuid& instance : ended) connection.execute(forget_sql, instance);
}

}  // namespace florin::mariadb
