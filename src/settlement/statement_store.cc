#include "settlement/statement_store.h"

#include <algorithm>

namespace florin::settlement {
namespace {

using store::Rows;
using store::Sql;

#define STATEMENT_COLUMNS                                                                      \
    "id, book_id, merchant_id, currency, day, after_number, through_number, carried_over,"     \
    " gateway_carried_over, captures, captured, refunds, refunded, fees, net, received, paid," \
    " ledger_number, made_at"

constexpr Sql last_day_sql(
    "SELECT day, after_place, through_place, books_after, statements, closed_at"
    " FROM settlement_day ORDER BY day DESC LIMIT 1");
constexpr Sql insert_day_sql(
    "INSERT INTO settlement_day (day, after_place, through_place, books_after, statements,"
    " closed_at) VALUES (?,?,?,?,?,?)");
constexpr Sql update_day_sql(
    "UPDATE settlement_day SET books_after = ?, statements = ?, closed_at = ? WHERE day = ?");
constexpr Sql insert_sql("INSERT INTO settlement_statement (" STATEMENT_COLUMNS
                         ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " STATEMENT_COLUMNS " FROM settlement_statement WHERE id = ?");
constexpr Sql last_sql("SELECT " STATEMENT_COLUMNS
                       " FROM settlement_statement WHERE book_id = ? ORDER BY day DESC LIMIT 1");
constexpr Sql list_sql("SELECT " STATEMENT_COLUMNS
                       " FROM settlement_statement WHERE id >= ? AND id < ? ORDER BY id DESC"
                       " LIMIT ?");
constexpr Sql list_of_merchant_sql("SELECT " STATEMENT_COLUMNS
                                   " FROM settlement_statement WHERE merchant_id = ? AND id >= ?"
                                   " AND id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql behind_sql(
    "SELECT book_id, place FROM settlement_behind WHERE book_id > ? ORDER BY book_id LIMIT ?");
constexpr Sql set_behind_sql("REPLACE INTO settlement_behind (book_id, place) VALUES (?,?)");
constexpr Sql clear_behind_sql("DELETE FROM settlement_behind WHERE book_id = ?");

BusinessDay day_from(std::int64_t number) {
    return {static_cast<std::int32_t>(number)};
}

Statement read_statement(const Rows& row) {
    Statement s;
    s.id = row.uuid(0);
    s.book = row.integer(1);
    s.merchant = row.text(2);
    s.currency = Currency::parse(row.text(3)).value_or(Currency::krw());
    s.day = day_from(row.integer(4));
    s.after_number = row.integer(5);
    s.through_number = row.integer(6);
    s.carried_over = row.integer(7);
    s.gateway_carried_over = row.integer(8);
    s.captures = {row.integer(9), row.integer(10)};
    s.refunds = {row.integer(11), row.integer(12)};
    s.fees = row.integer(13);
    s.net = row.integer(14);
    s.received = row.integer(15);
    s.paid = row.integer(16);
    if (!row.is_null(17)) s.ledger_number = row.integer(17);
    s.made_at = row.instant(18);
    return s;
}

Uuid last_possible_id() {
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

}  // namespace

std::optional<StoredDay> last_day(store::Snapshot& snapshot) {
    auto rows = snapshot.query(last_day_sql);
    if (!rows.next()) return std::nullopt;
    return StoredDay{.day = day_from(rows.integer(0)),
                     .after_place = rows.integer(1),
                     .through_place = rows.integer(2),
                     .books_after = rows.integer(3),
                     .statements = rows.integer(4),
                     .closed_at = rows.instant_or_null(5)};
}

void insert_day(store::Transaction& tx, const StoredDay& d) {
    tx.execute(insert_day_sql, d.day.number, d.after_place, d.through_place, d.books_after,
               d.statements, d.closed_at);
}

void update_day(store::Transaction& tx, const StoredDay& d) {
    tx.execute(update_day_sql, d.books_after, d.statements, d.closed_at, d.day.number);
}

void insert_statement(store::Transaction& tx, const Statement& s) {
    tx.execute(insert_sql, s.id, s.book, s.merchant, s.currency.code(), s.day.number,
               s.after_number, s.through_number, s.carried_over, s.gateway_carried_over,
               s.captures.count, s.captures.amount, s.refunds.count, s.refunds.amount, s.fees,
               s.net, s.received, s.paid, s.ledger_number, s.made_at);
}

std::optional<Statement> find_statement(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_statement(rows);
}

std::optional<Statement> last_statement(store::Snapshot& snapshot, std::int64_t book) {
    auto rows = snapshot.query(last_sql, book);
    if (!rows.next()) return std::nullopt;
    return read_statement(rows);
}

std::vector<Statement> list_statements(store::Snapshot& snapshot, const StatementFilter& filter) {
    const Uuid first = filter.from ? first_statement_id(*filter.from) : Uuid{};
    Uuid end = filter.through ? first_statement_id(filter.through->next()) : last_possible_id();
    if (filter.before) end = std::min(end, *filter.before);
    std::vector<Statement> found;
    auto rows = filter.merchant.empty() ? snapshot.query(list_sql, first, end, filter.limit)
                                        : snapshot.query(list_of_merchant_sql, filter.merchant,
                                                         first, end, filter.limit);
    while (rows.next()) found.push_back(read_statement(rows));
    return found;
}

std::vector<Behind> books_behind(store::Snapshot& snapshot, std::int64_t after, int limit) {
    std::vector<Behind> found;
    auto rows = snapshot.query(behind_sql, after, limit);
    while (rows.next()) found.push_back({rows.integer(0), rows.integer(1)});
    return found;
}

void set_behind(store::Transaction& tx, const Behind& behind) {
    tx.execute(set_behind_sql, behind.book, behind.place);
}

void clear_behind(store::Transaction& tx, std::int64_t book) {
    tx.execute(clear_behind_sql, book);
}

}  // namespace florin::settlement
