#include "settlement/statement.h"

#include <stdexcept>

#include "platform/base/require.h"
#include "platform/crypto/hmac.h"

namespace florin::settlement {
namespace {

using ledger::Account;
using ledger::Movement;

bool add_to(std::int64_t& sum, std::int64_t amount) {
    return !__builtin_add_overflow(sum, amount, &sum);
}

/// `plus` - `minus` - `minus_too` + `carried`, which the ledger keeps within 63 bits.
std::int64_t balance(std::int64_t carried, std::int64_t plus, std::int64_t minus,
                     std::int64_t minus_too) {
    const __int128 exact = static_cast<__int128>(carried) + plus - minus - minus_too;
    const auto narrow = static_cast<std::int64_t>(exact);
    if (narrow != exact) throw std::overflow_error("the net of a statement would leave 63 bits");
    return narrow;
}

Uuid statement_id(const StatementOf& whose) {
    std::string named = whose.merchant;
    named.append(1, '\0').append(whose.currency.code()).append(1, '\0').append(text_of(whose.day));
    Uuid id = first_statement_id(whose.day);
    const auto digest = crypto::fingerprint("settlement-statement", named);
    for (std::size_t i = 6; i < 16; ++i) id.bytes[i] = digest[i];
    id.bytes[6] = static_cast<std::uint8_t>(0x70U | (id.bytes[6] & 0x0FU));  // version 7
    id.bytes[8] = static_cast<std::uint8_t>(0x80U | (id.bytes[8] & 0x3FU));  // RFC 9562's variant
    return id;
}

}  // namespace

bool Turnover::add(const ledger::Walked& posting) {
    Turnover sum = *this;
    sum.through_number = posting.number;
    Line* const line = posting.movement == Movement::Capture  ? &sum.captures
                       : posting.movement == Movement::Refund ? &sum.refunds
                                                              : nullptr;
    if (line != nullptr) {
        ++line->count;
        for (const auto& entry : posting.entries) {
            const bool fee = entry.credit == Account::FeeRevenue;
            const bool money = entry.debit == Account::GatewayReceivable ||
                               entry.credit == Account::GatewayReceivable;
            if (fee && !add_to(sum.fees, entry.amount)) return false;
            if (money && !add_to(line->amount, entry.amount)) return false;
        }
    }
    *this = sum;
    return true;
}

Carried Statement::carried_forward() const {
    if (paid > 0) return {0, 0, through_number};
    return {net, balance(gateway_carried_over, captures.amount, refunds.amount, 0), through_number};
}

Statement make_statement(StatementOf whose, const Carried& before, const Turnover& turnover,
                         Instant now) {
    require(before.payable <= 0, "what is positive was paid out");
    Statement statement;
    statement.id = statement_id(whose);
    statement.book = whose.book;
    statement.merchant = std::move(whose.merchant);
    statement.currency = whose.currency;
    statement.day = whose.day;
    statement.after_number = before.number;
    statement.through_number = turnover.through_number;
    statement.carried_over = before.payable;
    statement.gateway_carried_over = before.receivable;
    statement.captures = turnover.captures;
    statement.refunds = turnover.refunds;
    statement.fees = turnover.fees;
    statement.made_at = now;
    statement.net =
        balance(before.payable, turnover.captures.amount, turnover.refunds.amount, turnover.fees);
    if (statement.net > 0) {
        statement.paid = statement.net;
        statement.received =
            balance(before.receivable, turnover.captures.amount, turnover.refunds.amount, 0);
        // The net is what the gateway owes us without our fees.
        require(statement.received >= statement.paid, "a payout comes out of what comes in");
    }
    return statement;
}

Uuid first_statement_id(BusinessDay day) {
    if (day.number <= 0) return {};  // before any statement
    return first_uuid_at(
        BusinessCalendar(std::chrono::minutes(0), std::chrono::minutes(0)).begin_of(day));
}

std::optional<ledger::Posting> payout_of(const Statement& statement) {
    if (statement.paid == 0) return std::nullopt;
    return ledger::Posting{.merchant = statement.merchant,
                           .currency = statement.currency,
                           .movement = Movement::Settle,
                           .subject = statement.id,
                           .step = 1,
                           .at = statement.made_at,
                           .entries = ledger::settle_entries(statement.received, statement.paid)};
}

}  // namespace florin::settlement
