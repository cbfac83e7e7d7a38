#include "ledger/posting.h"

#include "platform/base/require.h"

namespace florin::ledger {
namespace {

// In the order of their numbers, from 1.
constexpr std::array<std::string_view, account_count> account_names = {
    "authorized_receivable", "authorized_obligation", "gateway_receivable",
    "merchant_payable",      "fee_revenue",           "cash"};

}  // namespace

std::string_view name_of(Account account) {
    const auto at = static_cast<std::size_t>(account) - 1;
    require(at < account_names.size(), "an account is one of the chart");
    return account_names[at];
}

std::optional<Account> account_named(std::string_view name) {
    for (std::size_t i = 0; i < account_names.size(); ++i) {
        if (account_names[i] == name) return static_cast<Account>(i + 1);
    }
    return std::nullopt;
}

std::string_view name_of(Movement movement) {
    switch (movement) {
        case Movement::Authorize:
            return "authorize";
        case Movement::Void:
            return "void";
        case Movement::Capture:
            return "capture";
        case Movement::Refund:
            return "refund";
        case Movement::Settle:
            return "settle";
    }
    return "unknown";
}

std::vector<Entry> authorize_entries(std::int64_t amount) {
    return {{Account::AuthorizedReceivable, Account::AuthorizedObligation, amount}};
}

std::vector<Entry> void_entries(std::int64_t held) {
    return {{Account::AuthorizedObligation, Account::AuthorizedReceivable, held}};
}

std::vector<Entry> capture_entries(std::int64_t held, std::int64_t captured, std::int64_t fee) {
    require(captured >= 1 && captured <= held, "a capture takes a part of its hold");
    require(fee >= 0 && fee <= captured, "a fee is a part of what is captured");
    std::vector<Entry> entries = void_entries(held);
    entries.push_back({Account::GatewayReceivable, Account::MerchantPayable, captured});
    if (fee > 0) entries.push_back({Account::MerchantPayable, Account::FeeRevenue, fee});
    return entries;
}

std::vector<Entry> refund_entries(std::int64_t amount) {
    return {{Account::MerchantPayable, Account::GatewayReceivable, amount}};
}

std::vector<Entry> settle_entries(std::int64_t received, std::int64_t paid) {
    std::vector<Entry> entries;
    if (received > 0) entries.push_back({Account::Cash, Account::GatewayReceivable, received});
    if (paid > 0) entries.push_back({Account::MerchantPayable, Account::Cash, paid});
    return entries;
}

std::int64_t fee_of(std::int64_t amount, std::int64_t basis_points) {
    require(amount >= 0 && basis_points >= 0 && basis_points <= 10'000, "a fee is a share");
    // Whole ten-thousands and the rest apart: no product leaves 64 bits.
    const std::int64_t whole = amount / 10'000 * basis_points;
    const std::int64_t rest = amount % 10'000 * basis_points;
    return whole + (rest + 5'000) / 10'000;
}

}  // namespace florin::ledger
