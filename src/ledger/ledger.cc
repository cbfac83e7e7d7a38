#include "ledger/ledger.h"

#include <stdexcept>

#include "ledger/chain.h"
#include "ledger/entry_rows.h"
#include "platform/base/require.h"

namespace florin::ledger {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;

#define BALANCE_COLUMNS                                                                   \
    "authorized_receivable, authorized_obligation, gateway_receivable, merchant_payable," \
    " fee_revenue, cash"
#define BOOK_COLUMNS "id, merchant_id, currency, transactions, head, " BALANCE_COLUMNS

constexpr Sql book_sql("SELECT " BOOK_COLUMNS
                       " FROM ledger_book WHERE merchant_id = ? AND currency = ?");
constexpr Sql book_by_id_sql("SELECT " BOOK_COLUMNS " FROM ledger_book WHERE id = ?");
constexpr Sql books_sql("SELECT " BOOK_COLUMNS
                        " FROM ledger_book WHERE id > ? ORDER BY id LIMIT ?");
constexpr Sql merchants_sql(
    "SELECT DISTINCT merchant_id FROM ledger_book WHERE merchant_id > ? ORDER BY merchant_id"
    " LIMIT ?");
constexpr Sql insert_book_sql(
    "INSERT INTO ledger_book (merchant_id, currency, transactions, head, " BALANCE_COLUMNS
    ") VALUES (?,?,0,x'',0,0,0,0,0,0)");
constexpr Sql update_book_sql(
    "UPDATE ledger_book SET transactions = ?, head = ?, authorized_receivable = ?,"
    " authorized_obligation = ?, gateway_receivable = ?, merchant_payable = ?, fee_revenue = ?,"
    " cash = ? WHERE id = ?");
constexpr Sql insert_transaction_sql(
    "INSERT INTO ledger_transaction (book_id, number, subject_id, step, movement, at, hash)"
    " VALUES (?,?,?,?,?,?,?)");
constexpr Sql insert_entry_sql(
    "INSERT INTO ledger_line (subject_id, step, line, debit, credit, amount)"
    " VALUES (?,?,?,?,?,?)");
constexpr Sql postings_sql(
    "SELECT book_id, number, step, movement, at, hash FROM ledger_transaction"
    " WHERE subject_id = ? ORDER BY step");

Book read_book(const Rows& row) {
    Book book{.id = row.integer(0),
              .merchant = std::string(row.text(1)),
              .currency = Currency::parse(row.text(2)).value_or(Currency::krw()),
              .transactions = row.integer(3),
              .head = std::string(row.blob(4)),
              .balances = {}};
    for (std::size_t i = 0; i < account_count; ++i)
        book.balances[i] = row.integer(5 + static_cast<int>(i));
    return book;
}

Book open_book(store::Transaction& tx, const Posting& posting) {
    if (auto book = book_of(tx, posting.merchant, posting.currency)) return *std::move(book);
    tx.execute(insert_book_sql, posting.merchant, posting.currency.code());
    auto book = book_of(tx, posting.merchant, posting.currency);
    require(book.has_value(), "a book that was opened is there");
    return *std::move(book);
}

}  // namespace

std::int64_t of(const Balances& balances, Account account) {
    return balances[static_cast<std::size_t>(account) - 1];
}

void add(Balances& balances, const std::vector<Entry>& entries) {
    for (const auto& entry : entries) {
        auto& debit = balances[static_cast<std::size_t>(entry.debit) - 1];
        auto& credit = balances[static_cast<std::size_t>(entry.credit) - 1];
        if (__builtin_add_overflow(debit, entry.amount, &debit) ||
            __builtin_sub_overflow(credit, entry.amount, &credit)) {
            throw std::overflow_error("the balance of " + std::string(name_of(entry.debit)) +
                                      " or " + std::string(name_of(entry.credit)) +
                                      " would leave 63 bits");
        }
    }
}

std::int64_t post(store::Transaction& tx, const Posting& posting) {
    require(!posting.entries.empty(), "a posting moves something");
    Book book = open_book(tx, posting);
    ++book.transactions;
    add(book.balances, posting.entries);
    const auto hash = chain(book.head, book.transactions, posting);
    const Blob head{{reinterpret_cast<const char*>(hash.data()), hash.size()}};
    tx.execute(insert_transaction_sql, book.id, book.transactions, posting.subject, posting.step,
               static_cast<int>(posting.movement), posting.at, head);
    int line = 0;
    for (const auto& entry : posting.entries) {
        tx.execute(insert_entry_sql, posting.subject, posting.step, ++line,
                   static_cast<int>(entry.debit), static_cast<int>(entry.credit), entry.amount);
    }
    const auto& b = book.balances;
    tx.execute(update_book_sql, book.transactions, head, b[0], b[1], b[2], b[3], b[4], b[5],
               book.id);
    return book.transactions;
}

std::vector<BookedPosting> postings_of(store::Snapshot& snapshot, const Uuid& subject) {
    std::vector<BookedPosting> postings;
    auto rows = snapshot.query(postings_sql, subject);
    while (rows.next()) {
        auto& booked = postings.emplace_back();
        booked.number = rows.integer(1);
        booked.hash = rows.blob(5);
        Posting& posting = booked.posting;
        posting.subject = subject;
        posting.step = rows.integer(2);
        posting.movement = static_cast<Movement>(rows.integer(3));
        posting.at = rows.instant(4);
        posting.entries = entries_of(snapshot, subject, posting.step);
        auto book = snapshot.query(book_by_id_sql, rows.integer(0));
        if (book.next()) {
            posting.merchant = book.text(1);
            posting.currency = Currency::parse(book.text(2)).value_or(Currency::krw());
        }
    }
    return postings;
}

std::optional<Book> book_of(store::Snapshot& snapshot, std::string_view merchant,
                            Currency currency) {
    auto rows = snapshot.query(book_sql, merchant, currency.code());
    if (!rows.next()) return std::nullopt;
    return read_book(rows);
}

std::optional<Book> book_numbered(store::Snapshot& snapshot, std::int64_t id) {
    auto rows = snapshot.query(book_by_id_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_book(rows);
}

std::vector<std::string> merchants(store::Snapshot& snapshot, std::string_view after, int limit) {
    std::vector<std::string> found;
    auto rows = snapshot.query(merchants_sql, after, limit);
    while (rows.next()) found.emplace_back(rows.text(0));
    return found;
}

std::vector<Book> books(store::Snapshot& snapshot, std::int64_t after, int limit) {
    std::vector<Book> found;
    auto rows = snapshot.query(books_sql, after, limit);
    while (rows.next()) found.push_back(read_book(rows));
    return found;
}

}  // namespace florin::ledger
