#include "platform/transfer/mariadb_target.h"

#include "platform/mariadb/connection.h"
#include "platform/mariadb/schema.h"
#include "platform/store/store.h"

namespace florin::transfer {
namespace {

using mariadb::Connection;
using store::Sql;
using store::StoreFault;

// The server notices a moment later that an import was killed.
constexpr Sql lock_sql("SELECT get_lock(concat('florin_import.', md5(database())), 3)");
constexpr Sql has_migrations_sql(
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"
    " AND table_name = 'schema_migration'");
constexpr Sql marked_sql("SELECT count(*) FROM schema_migration WHERE version = ?");
constexpr Sql mark_sql(
    "INSERT INTO schema_migration (version, name, checksum) VALUES (?, 'import under way', '')");
constexpr Sql unmark_sql("DELETE FROM schema_migration WHERE version = ?");

std::unique_ptr<Connection> connect(const mariadb::Address& address, mariadb::Use use) {
    return std::make_unique<Connection>(address, mariadb::Timeouts::patient(), use);
}

bool is_marked(Connection& connection) {
    if (connection.number(has_migrations_sql) == 0) return false;
    auto rows = connection.query(marked_sql, store::unfinished_import);
    return rows.next() && rows.integer(0) > 0;
}

}  // namespace

MariaDbTarget::MariaDbTarget(const mariadb::Address& address,
                             const std::vector<store::Migration>& migrations,
                             const LeftOut& left_out)
    : address_(address), writer_(connect(address, mariadb::Use::Write)) {
    if (writer_->number(lock_sql) != 1)
        throw StoreFault("another import into " + address.text() + " is under way");
    const bool left = is_marked(*writer_);
    if (!left) mariadb::bring_up_to_date(*writer_, migrations);
    tables_ = tables_of(read_back(), left_out);
    if (left) {
        empty_what_was_left();
    } else {
        require_empty();
        writer_->execute(mark_sql, store::unfinished_import);
    }
}

MariaDbTarget::~MariaDbTarget() = default;

// Triggers keep rows of the ledger from being deleted one by one, and mean to.
void MariaDbTarget::empty_what_was_left() {
    reader_.reset();
    for (const Table& table : tables_) writer_->run("TRUNCATE TABLE \"" + table.name + '"');
}

void MariaDbTarget::require_empty() {
    for (const Table& table : tables_) {
        const auto rows = reader_->number(statements_.count(table));
        if (rows == 0) continue;
        throw StoreFault("the database " + address_.text() + " has " + std::to_string(rows) +
                         " rows in " + table.name +
                         ": an import needs a database that nobody has used; make a new one");
    }
}

store::Transaction& MariaDbTarget::session() {
    if (!writer_->in_transaction()) writer_->begin(Connection::Inserts::Wait);
    return *writer_;
}

store::Snapshot& MariaDbTarget::read_back() {
    reader_ = connect(address_, mariadb::Use::Read);
    reader_->begin_snapshot();
    return *reader_;
}

void MariaDbTarget::commit_part() {
    if (!writer_->in_transaction()) return;
    writer_->flush();
    writer_->commit();
}

void MariaDbTarget::number_above(const std::string& table, std::int64_t position) {
    writer_->run("ALTER TABLE \"" + table + "\" AUTO_INCREMENT = " + std::to_string(position + 1));
}

void MariaDbTarget::finish() {
    reader_.reset();
    writer_->execute(unmark_sql, store::unfinished_import);
}

}  // namespace florin::transfer
