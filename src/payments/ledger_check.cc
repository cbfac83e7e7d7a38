#include "payments/ledger_check.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

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

// Three passes in the order of ids, side by side: each row is read once, and no more than one
// payment's rows are held.
constexpr Sql payments_sql(
    "SELECT id, merchant_id, currency, state, amount, captured, refunded, version,"
    " fee_basis_points"
    " FROM merchant_payment ORDER BY id");
constexpr Sql transactions_sql(
    "SELECT subject_id, step, movement, book_id FROM ledger_transaction"
    " INDEXED BY ledger_transaction_subject ORDER BY subject_id, step",
    "SELECT subject_id, step, movement, book_id FROM ledger_transaction"
    " FORCE INDEX (ledger_transaction_subject) ORDER BY subject_id, step");
constexpr Sql entries_sql(
    "SELECT subject_id, step, debit, credit, amount FROM ledger_line"
    " ORDER BY subject_id, step, line");

constexpr int books_a_page = 1'000;

/// The canonical text where the bytes are an id, else the bytes: a tampered row may hold anything.
std::string id_text(std::string_view bytes) {
    if (bytes.size() == 16) return uuid_from_bytes(bytes).text();
    std::string text = "0x";
    for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    return text;
}

/// A pass over rows whose first column is an id, one row ahead.
class Pass {
public:
    explicit Pass(Rows rows) : rows_(std::move(rows)) { advance(); }

    [[nodiscard]] bool at_end() const { return !more_; }
    [[nodiscard]] bool is_at(const std::string& id) const { return more_ && id_ == id; }
    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] const Rows& row() const { return rows_; }
    void advance() {
        more_ = rows_.next();
        if (more_) id_ = rows_.blob(0);
    }

private:
    Rows rows_;
    bool more_ = false;
    std::string id_;
};

/// A payment's row, as it is: not judged.
struct Told {
    std::string book;  // "shop-1 KRW"
    std::int64_t state = 0;
    std::int64_t amount = 0;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    std::int64_t version = 0;
    std::optional<std::int64_t> fee_basis_points;
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
    explicit Check(store::Snapshot& snapshot)
        : snapshot_(snapshot),
          payments_(snapshot.query(payments_sql)),
          transactions_(snapshot.query(transactions_sql)),
          entries_(snapshot.query(entries_sql)) {}

    LedgerCheck run() {
        read_books();
        while (const auto* next = next_id()) {
            id_ = *next;
            if (payments_.is_at(id_)) {
                check_payment(take_payment());
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
        for (const Pass* pass : {&payments_, &transactions_, &entries_}) {
            if (!pass->at_end() && (lowest == nullptr || pass->id() < *lowest))
                lowest = &pass->id();
        }
        return lowest;
    }

    Told take_payment() {
        ++found_.payments;
        const Rows& row = payments_.row();
        Told told{.book = fmt::format("{} {}", row.text(1), row.text(2)),
                  .state = row.integer(3),
                  .amount = row.integer(4),
                  .captured = row.integer(5),
                  .refunded = row.integer(6),
                  .version = row.integer(7),
                  .fee_basis_points = std::nullopt};
        if (!row.is_null(8)) told.fee_basis_points = row.integer(8);
        payments_.advance();
        return told;
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
            if (static_cast<Movement>(transactions_.row().integer(2)) != Movement::Settle)
                ++unexplained;
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
            const Rows& row = transactions_.row();
            const std::int64_t step = row.integer(1);
            if (step < 1 || step > told.version) {
                differ("a posting's step", fmt::format("1 to {}", told.version),
                       fmt::to_string(step));
            }
            const auto book = books_.find(row.integer(3));
            const std::string where = book != books_.end() ? book->second : "no book that exists";
            if (where != told.book) differ("book", told.book, where);
            take_entries(step, static_cast<Movement>(row.integer(2)), booked);
        }
        while (entries_.is_at(id_))
            entries_.advance();  // of no transaction: the ledger's complaint
        return booked;
    }

    void take_entries(std::int64_t step, Movement movement, Booked& booked) {
        for (; entries_.is_at(id_) && entries_.row().integer(1) <= step; entries_.advance()) {
            const Rows& row = entries_.row();
            if (row.integer(1) < step) continue;
            const auto debit = static_cast<Account>(row.integer(2));
            const auto credit = static_cast<Account>(row.integer(3));
            if (__int128* const sum = sum_for(booked, movement, debit, credit)) {
                *sum += row.integer(4);
            } else {
                differ("an entry", fmt::format("one that a payment's {} makes", name_of(movement)),
                       fmt::format("{} from account {} to account {}", row.integer(4),
                                   row.integer(3), row.integer(2)));
            }
        }
    }

    store::Snapshot& snapshot_;
    Pass payments_;
    Pass transactions_;
    Pass entries_;
    std::string id_;  // whose rows are looked at
    LedgerCheck found_;
    std::unordered_map<std::int64_t, std::string> books_;
};

}  // namespace

std::string LedgerDifference::text() const {
    return fmt::format("payment {}: {}: expected {}, found {}", payment, what, expected, found);
}

LedgerCheck check_ledger(store::Snapshot& snapshot) {
    return Check(snapshot).run();
}

}  // namespace florin::payments
