#include "payments/ledger_check.h"

#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "ledger/ledger.h"
#include "payments/payment.h"
#include "platform/base/uuid.h"

namespace florin::payments {
namespace {

using ledger::Account;
using ledger::Movement;
using store::Rows;
using store::Sql;

// Three passes in the order of ids, side by side: each row is read once, and of each pass a page is
// held, since a connection that answers the next query keeps in memory what is left of the last.
// The first condition is what an index is entered by; the others leave out what was read.
constexpr Sql payments_sql(
    "SELECT id, merchant_id, currency, state, amount, captured, refunded, version,"
    " fee_basis_points FROM merchant_payment WHERE id > ? ORDER BY id LIMIT ?");
constexpr Sql transactions_sql(
    "SELECT subject_id, step, movement, book_id FROM ledger_transaction"
    " INDEXED BY ledger_transaction_subject WHERE subject_id >= ? AND (subject_id > ? OR step > ?)"
    " ORDER BY subject_id, step LIMIT ?",
    "SELECT subject_id, step, movement, book_id FROM ledger_transaction"
    " FORCE INDEX (ledger_transaction_subject) WHERE subject_id >= ? AND (subject_id > ?"
    " OR step > ?) ORDER BY subject_id, step LIMIT ?");
constexpr Sql entries_sql(
    "SELECT subject_id, step, line, debit, credit, amount FROM ledger_line WHERE subject_id >= ?"
    " AND (subject_id > ? OR step > ? OR (step = ? AND line > ?))"
    " ORDER BY subject_id, step, line LIMIT ?");

constexpr int books_a_page = 1'000;
constexpr std::int64_t before_all = std::numeric_limits<std::int64_t>::min();

/// The canonical text where the bytes are an id, else the bytes: a tampered row may hold anything.
std::string id_text(std::string_view bytes) {
    if (bytes.size() == 16) return uuid_from_bytes(bytes).text();
    std::string text = "0x";
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

/// A payment's row, as it is: not judged.
struct Told {
    std::string id;
    std::string book;  // "shop-1 KRW"
    std::int64_t state = 0;
    std::int64_t amount = 0;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    std::int64_t version = 0;
    std::optional<std::int64_t> fee_basis_points;
};

/// A posting's row, likewise.
struct Made {
    std::string id;  // of what it is about
    std::int64_t step = 0;
    Movement movement = Movement::Authorize;
    std::int64_t book = 0;
};

/// An entry's row, likewise.
struct Line {
    std::string id;
    std::int64_t step = 0;
    std::int64_t line = 0;
    std::int64_t debit = 0;
    std::int64_t credit = 0;
    std::int64_t amount = 0;
};

std::vector<Told> read_payments(Rows rows) {
    std::vector<Told> page;
    while (rows.next()) {
        Told& told =
            page.emplace_back(Told{.id = std::string(rows.blob(0)),
                                   .book = fmt::format("{} {}", rows.text(1), rows.text(2)),
                                   .state = rows.integer(3),
                                   .amount = rows.integer(4),
                                   .captured = rows.integer(5),
                                   .refunded = rows.integer(6),
                                   .version = rows.integer(7),
                                   .fee_basis_points = std::nullopt});
        if (!rows.is_null(8)) told.fee_basis_points = rows.integer(8);
    }
    return page;
}

std::vector<Made> read_postings(Rows rows) {
    std::vector<Made> page;
    while (rows.next()) {
        page.push_back({std::string(rows.blob(0)), rows.integer(1),
                        static_cast<Movement>(rows.integer(2)), rows.integer(3)});
    }
    return page;
}

std::vector<Line> read_lines(Rows rows) {
    std::vector<Line> page;
    while (rows.next()) {
        page.push_back({std::string(rows.blob(0)), rows.integer(1), rows.integer(2),
                        rows.integer(3), rows.integer(4), rows.integer(5)});
    }
    return page;
}

// The first page of each table begins behind the empty text, which stands before every id, also
// before one that somebody has turned into a text.

std::vector<Told> page_behind(store::Snapshot& snapshot, const Told* last, std::size_t rows) {
    if (last == nullptr) return read_payments(snapshot.query(payments_sql, "", rows));
    return read_payments(snapshot.query(payments_sql, store::Blob{last->id}, rows));
}

std::vector<Made> page_behind(store::Snapshot& snapshot, const Made* last, std::size_t rows) {
    if (last == nullptr)
        return read_postings(snapshot.query(transactions_sql, "", "", before_all, rows));
    const store::Blob id{last->id};
    return read_postings(snapshot.query(transactions_sql, id, id, last->step, rows));
}

std::vector<Line> page_behind(store::Snapshot& snapshot, const Line* last, std::size_t rows) {
    if (last == nullptr) {
        return read_lines(
            snapshot.query(entries_sql, "", "", before_all, before_all, before_all, rows));
    }
    const store::Blob id{last->id};
    return read_lines(
        snapshot.query(entries_sql, id, id, last->step, last->step, last->line, rows));
}

/// A pass over the rows of a table in the order of their keys, which begin with an id.
template <class Row>
class Pass {
public:
    Pass(store::Snapshot& snapshot, std::size_t rows_a_page)
        : snapshot_(snapshot),
          rows_a_page_(rows_a_page),
          page_(page_behind(snapshot, static_cast<const Row*>(nullptr), rows_a_page)) {}

    [[nodiscard]] bool at_end() const { return at_ == page_.size(); }
    [[nodiscard]] bool is_at(const std::string& id) const { return !at_end() && row().id == id; }
    [[nodiscard]] const Row& row() const { return page_[at_]; }
    void advance() {
        if (++at_ < rows_a_page_) return;
        page_ = page_behind(snapshot_, &page_.back(), rows_a_page_);
        at_ = 0;
    }

private:
    store::Snapshot& snapshot_;
    const std::size_t rows_a_page_;
    std::vector<Row> page_;
    std::size_t at_ = 0;
};

/// What the postings about one payment come to. Wider than any amount: tampered ones may overflow.
struct Booked {
    __int128 held = 0;
    __int128 released = 0;
    __int128 captured = 0;
    __int128 fee = 0;
    __int128 refunded = 0;
};

/// Where an entry belongs; nothing when no payment moves money like this.
__int128* sum_for(Booked& booked, Movement movement, Account debit, Account credit) {
    const auto is = [&](Account to, Account from) { return debit == to && credit == from; };
    if (is(Account::AuthorizedReceivable, Account::AuthorizedObligation))
        return movement == Movement::Authorize ? &booked.held : nullptr;
    if (is(Account::AuthorizedObligation, Account::AuthorizedReceivable)) {
        return movement == Movement::Void || movement == Movement::Capture ? &booked.released
                                                                           : nullptr;
    }
    if (is(Account::GatewayReceivable, Account::MerchantPayable))
        return movement == Movement::Capture ? &booked.captured : nullptr;
    if (is(Account::MerchantPayable, Account::FeeRevenue))
        return movement == Movement::Capture ? &booked.fee : nullptr;
    if (is(Account::MerchantPayable, Account::GatewayReceivable))
        return movement == Movement::Refund ? &booked.refunded : nullptr;
    return nullptr;
}

/// What a payment in its state must have behind it.
struct Story {
    bool authorized = false;
    bool released = false;  // captured or voided
    bool captured = false;
    std::pair<std::int64_t, std::int64_t> refunded{0, 0};  // from, to
};

std::optional<Story> story_of(const Told& told) {
    switch (static_cast<State>(told.state)) {
        case State::Ready:
        case State::AuthFailed:
            return Story{};
        case State::Authorized:
        case State::CaptureRequested:
        case State::CaptureFailed:
        case State::VoidRequested:
            return Story{.authorized = true};
        case State::Voided:
            return Story{.authorized = true, .released = true};
        case State::Captured:
            return Story{.authorized = true, .released = true, .captured = true};
        case State::RefundRequested:
        case State::RefundFailed:
            return Story{.authorized = true,
                         .released = true,
                         .captured = true,
                         .refunded = {0, told.captured - 1}};
        case State::PartiallyRefunded:
            return Story{.authorized = true,
                         .released = true,
                         .captured = true,
                         .refunded = {1, told.captured - 1}};
        case State::Refunded:
            return Story{.authorized = true,
                         .released = true,
                         .captured = true,
                         .refunded = {told.captured, told.captured}};
    }
    return std::nullopt;
}

class Check {
public:
    Check(store::Snapshot& snapshot, std::size_t rows_a_page)
        : snapshot_(snapshot),
          payments_(snapshot, rows_a_page),
          transactions_(snapshot, rows_a_page),
          entries_(snapshot, rows_a_page) {}

    LedgerCheck run() {
        read_books();
        while (const auto* next = next_id()) {
            id_ = *next;
            if (payments_.is_at(id_)) {
                ++found_.payments;
                check_payment(payments_.row());
                payments_.advance();
            } else {
                check_stranger();
            }
        }
        return std::move(found_);
    }

private:
    void differ(std::string what, std::string expected, std::string found) {
        ++found_.faults;
        if (found_.differences.size() == ledger_differences_max) return;
        found_.differences.push_back(
            {id_text(id_), std::move(what), std::move(expected), std::move(found)});
    }
    void expect(const char* what, __int128 expected, __int128 found) {
        if (expected != found) differ(what, fmt::to_string(expected), fmt::to_string(found));
    }

    void read_books() {
        std::int64_t after = 0;
        for (;;) {
            const auto page = ledger::books(snapshot_, after, books_a_page);
            if (page.empty()) return;
            after = page.back().id;
            for (const auto& book : page) {
                books_[book.id] = fmt::format("{} {}", book.merchant, book.currency.code());
            }
        }
    }

    const std::string* next_id() const {
        const std::string* lowest = nullptr;
        const auto look_at = [&lowest](const auto& pass) {
            if (!pass.at_end() && (lowest == nullptr || pass.row().id < *lowest))
                lowest = &pass.row().id;
        };
        look_at(payments_);
        look_at(transactions_);
        look_at(entries_);
        return lowest;
    }

    void check_payment(const Told& told) {
        const Booked booked = sum_postings(told);
        const auto story = story_of(told);
        if (!story) {
            differ("state", "one of the known states", fmt::to_string(told.state));
            return;
        }
        const std::string state(name_of(static_cast<State>(told.state)));
        if ((told.captured > 0) != story->captured) {
            differ("captured, while the payment is " + state, story->captured ? "more than 0" : "0",
                   fmt::to_string(told.captured));
        }
        const auto [least, most] = story->refunded;
        if (told.refunded < least || told.refunded > most) {
            differ("refunded, while the payment is " + state,
                   least == most ? fmt::to_string(least) : fmt::format("{} to {}", least, most),
                   fmt::to_string(told.refunded));
        }
        expect("held", story->authorized ? told.amount : 0, booked.held);
        expect("released", story->released ? told.amount : 0, booked.released);
        expect("captured", told.captured, booked.captured);
        expect("refunded", told.refunded, booked.refunded);
        check_fee(told, booked);
    }

    void check_fee(const Told& told, const Booked& booked) {
        const std::int64_t rate = told.fee_basis_points.value_or(0);
        if (rate < 0 || rate > 10'000) {
            differ("fee rate", "0 to 10000", fmt::to_string(rate));
        } else if (told.fee_basis_points && told.captured >= 0) {
            expect("fee", ledger::fee_of(told.captured, rate), booked.fee);
        } else if (booked.fee < 0 || booked.fee > booked.captured) {
            differ("fee", fmt::format("0 to {}", fmt::to_string(booked.captured)),
                   fmt::to_string(booked.fee));
        }
    }

    /// Postings whose subject is no payment: those of settlements are none of our business.
    void check_stranger() {
        std::int64_t unexplained = 0;
        for (; transactions_.is_at(id_); transactions_.advance()) {
            if (transactions_.row().movement != Movement::Settle) ++unexplained;
        }
        while (entries_.is_at(id_)) entries_.advance();
        if (unexplained > 0) {
            differ("the payment itself", "to exist",
                   fmt::format("{} postings about it", unexplained));
        }
    }

    /// Takes every posting about the payment, with its entries.
    Booked sum_postings(const Told& told) {
        Booked booked;
        for (; transactions_.is_at(id_); transactions_.advance()) {
            ++found_.postings;
            const Made& made = transactions_.row();
            if (made.step < 1 || made.step > told.version) {
                differ("a posting's step", fmt::format("1 to {}", told.version),
                       fmt::to_string(made.step));
            }
            const auto book = books_.find(made.book);
            const std::string where = book != books_.end() ? book->second : "no book that exists";
            if (where != told.book) differ("book", told.book, where);
            take_entries(made.step, made.movement, booked);
        }
        while (entries_.is_at(id_))
            entries_.advance();  // of no transaction: the ledger's complaint
        return booked;
    }

    void take_entries(std::int64_t step, Movement movement, Booked& booked) {
        for (; entries_.is_at(id_) && entries_.row().step <= step; entries_.advance()) {
            const Line& line = entries_.row();
            if (line.step < step) continue;
            const auto debit = static_cast<Account>(line.debit);
            const auto credit = static_cast<Account>(line.credit);
            if (__int128* const sum = sum_for(booked, movement, debit, credit)) {
                *sum += line.amount;
            } else {
                differ("an entry", fmt::format("one that a payment's {} makes", name_of(movement)),
                       fmt::format("{} from account {} to account {}", line.amount, line.credit,
                                   line.debit));
            }
        }
    }

    store::Snapshot& snapshot_;
    Pass<Told> payments_;
    Pass<Made> transactions_;
    Pass<Line> entries_;
    std::string id_;  // whose rows are looked at
    LedgerCheck found_;
    std::unordered_map<std::int64_t, std::string> books_;
};

}  // namespace

std::string LedgerDifference::text() const {
    return fmt::format("payment {}: {}: expected {}, found {}", payment, what, expected, found);
}

LedgerCheck check_ledger(store::Snapshot& snapshot, std::size_t rows_a_page) {
    return Check(snapshot, rows_a_page).run();
}

}  // namespace florin::payments
