#include "ledger/overview.h"

#include <fmt/format.h>

#include "platform/crypto/hmac.h"

namespace florin::ledger {
namespace {

constexpr store::Sql currencies_sql(
    "SELECT currency FROM ledger_book WHERE merchant_id = ? ORDER BY currency");

constexpr int books_a_page = 1'000;

}  // namespace

std::vector<Book> books_of(store::Snapshot& snapshot, std::string_view merchant) {
    std::vector<Book> found;
    auto rows = snapshot.query(currencies_sql, merchant);
    while (rows.next()) {
        const auto currency = Currency::parse(rows.text(0));
        if (!currency) continue;
        if (auto book = book_of(snapshot, merchant, *currency)) found.push_back(*std::move(book));
    }
    return found;
}

// A chain again, so that memory does not grow with books: each one is hashed with all before it.
std::string fingerprint(store::Snapshot& snapshot) {
    crypto::Sha256 sum{};
    std::int64_t after = 0;
    for (;;) {
        const auto page = books(snapshot, after, books_a_page);
        if (page.empty()) return crypto::hex(sum);
        after = page.back().id;
        for (const auto& book : page) {
            std::string said(reinterpret_cast<const char*>(sum.data()), sum.size());
            said += fmt::format("{} {} {} {} ", book.merchant.size(), book.merchant,
                                book.currency.code(), book.transactions);
            said += book.head;
            sum = crypto::sha256(said);
        }
    }
}

}  // namespace florin::ledger
