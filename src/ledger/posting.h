#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"

/// The rules of double entry, pure: which movement of money becomes which entries. docs/ledger.md
/// has a worked example of each.
namespace florin::ledger {

/// The chart of accounts, the same in every book (one book a merchant and currency). Numbers are
/// stored: they never change. A balance is debits minus credits, in minor units: assets stand
/// positive, liabilities and income negative.
enum class Account : std::uint8_t {
    AuthorizedReceivable = 1,  // memo: what customers' banks have promised (asset side of a hold)
    AuthorizedObligation = 2,  // memo: its other side; the two cancel out
    GatewayReceivable = 3,     // asset: captured, not yet paid out by the gateway
    MerchantPayable = 4,       // liability: what we owe the merchant
    FeeRevenue = 5,            // income: our fees
    Cash = 6,                  // asset: our bank account
};
constexpr std::size_t account_count = 6;

/// "gateway_receivable", and back.
std::string_view name_of(Account account);
std::optional<Account> account_named(std::string_view name);

/// Why money moved. Numbers are stored: they never change.
enum class Movement : std::uint8_t {
    Authorize = 1,
    Void = 2,
    Capture = 3,
    Refund = 4,
    Settle = 5,  // paid out to the merchant
};
constexpr std::size_t movement_count = 5;
/// "authorize", "capture" …
std::string_view name_of(Movement movement);

/// One line: `amount` (positive) from `credit` to `debit`. Both sides in one value: always in
/// balance.
struct Entry {
    Account debit;
    Account credit;
    std::int64_t amount = 0;

    bool operator==(const Entry&) const = default;
};

/// One balanced ledger transaction.
struct Posting {
    std::string merchant;
    Currency currency = Currency::krw();
    Movement movement = Movement::Authorize;
    Uuid subject;           // the payment, or the settlement statement
    std::int64_t step = 0;  // which of the subject's steps; (subject, step) is booked once
    Instant at;
    std::vector<Entry> entries;
};

/// A hold on the customer's account: nothing is owed yet.
std::vector<Entry> authorize_entries(std::int64_t amount);
/// Lifts a hold of `held`.
std::vector<Entry> void_entries(std::int64_t held);
/// Lifts the whole hold, takes `captured` of it (1..held) and our `fee` (0..captured).
std::vector<Entry> capture_entries(std::int64_t held, std::int64_t captured, std::int64_t fee);
/// Gives back `amount`; the fee stays ours.
std::vector<Entry> refund_entries(std::int64_t amount);
/// The gateway pays us `received` (0: nothing) and we pay the merchant `paid` (0: nothing).
std::vector<Entry> settle_entries(std::int64_t received, std::int64_t paid);

/// `amount` x `basis_points` / 10,000, rounded half up; exact for every int64 amount. Rates go from
/// 0 to 10,000.
std::int64_t fee_of(std::int64_t amount, std::int64_t basis_points);

}  // namespace florin::ledger
