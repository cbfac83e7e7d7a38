#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/posting.h"
#include "ledger/walk.h"
#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "settlement/business_day.h"

/// The rules of settlement, pure. docs/settlement.md has a worked example. Amounts are in the minor
/// unit of the statement's currency.
namespace florin::settlement {

struct Line {
    std::int64_t count = 0;
    std::int64_t amount = 0;

    bool operator==(const Line&) const = default;
};

/// What the postings of one book come to.
struct Turnover {
    Line captures;
    Line refunds;
    std::int64_t fees = 0;
    std::int64_t through_number = 0;  // of the last posting that was added, whatever it was

    [[nodiscard]] bool moved_money() const { return captures.count > 0 || refunds.count > 0; }
    /// Adds a posting of the book; false, and nothing added, when a sum would leave 63 bits.
    [[nodiscard]] bool add(const ledger::Walked& posting);
};

/// What a book brings along from its statement before: nothing, if it has none.
struct Carried {
    std::int64_t payable = 0;  // 0 or less: the merchant owes it to us
    /// What the gateway has yet to pay out for the book; negative when it has taken back more.
    std::int64_t receivable = 0;
    std::int64_t number = 0;  // of the last posting it covers
};

struct Statement {
    Uuid id;
    std::int64_t book = 0;
    std::string merchant;
    Currency currency = Currency::krw();
    BusinessDay day;
    std::int64_t after_number = 0;
    std::int64_t through_number = 0;
    std::int64_t carried_over = 0;
    std::int64_t gateway_carried_over = 0;
    Line captures;
    Line refunds;
    std::int64_t fees = 0;
    std::int64_t net = 0;  // carried_over + captures - refunds - fees
    std::int64_t received = 0;
    std::int64_t paid = 0;                      // the net when it is positive, else nothing
    std::optional<std::int64_t> ledger_number;  // of the payout in the book's chain
    Instant made_at;

    [[nodiscard]] Carried carried_forward() const;
};

/// The book's statement of that day. Its id follows from merchant, currency and day: whoever makes
/// it again makes the same one. Ids ascend with the days. Throws `std::overflow_error` when a sum
/// leaves 63 bits.
struct StatementOf {
    std::int64_t book = 0;
    std::string merchant;
    Currency currency = Currency::krw();
    BusinessDay day;
};
Statement make_statement(StatementOf whose, const Carried& before, const Turnover& turnover,
                         Instant now);

/// The smallest id that a statement of `day` can have.
Uuid first_statement_id(BusinessDay day);

/// The posting that pays the net out; nothing when there is nothing to pay.
std::optional<ledger::Posting> payout_of(const Statement& statement);

}  // namespace florin::settlement
