#include "settlement/payout_check.h"

#include <utility>

#include <fmt/format.h>

#include "ledger/ledger.h"
#include "platform/crypto/hmac.h"
#include "settlement/statement_store.h"

namespace florin::settlement {
namespace {

constexpr store::Sql strangers_sql(
    "SELECT t.subject_id, t.number FROM ledger_transaction t WHERE t.movement = ?"
    " AND NOT EXISTS (SELECT 1 FROM settlement_statement s WHERE s.id = t.subject_id"
    " AND s.book_id = t.book_id AND s.ledger_number = t.number)");

constexpr int statements_a_page = 1'000;

class Check {
public:
    explicit Check(store::Snapshot& snapshot) : snapshot_(snapshot) {}

    PayoutCheck run() {
        StatementFilter filter;
        filter.limit = statements_a_page;
        for (;;) {
            const auto page = list_statements(snapshot_, filter);
            for (const auto& statement : page) check(statement);
            if (page.size() < statements_a_page) break;
            filter.before = page.back().id;
        }
        check_strangers();
        return std::move(found_);
    }

private:
    void complain(std::string what) {
        ++found_.faults;
        if (found_.complaints.size() < payout_complaints_max)
            found_.complaints.push_back(std::move(what));
    }

    void check(const Statement& statement) {
        ++found_.statements;
        const std::string title = fmt::format("statement {} of {} {}", statement.id.text(),
                                              statement.merchant, statement.currency.code());
        const __int128 net = __int128{statement.carried_over} + statement.captures.amount -
                             statement.refunds.amount - statement.fees;
        if (net != statement.net) {
            complain(fmt::format("{}: its net is {}, what it lists comes to {}", title,
                                 statement.net, fmt::to_string(net)));
        }
        if (statement.ledger_number) check_payout(title, statement);
    }

    void check_payout(const std::string& title, const Statement& statement) {
        const auto expected = payout_of(statement);
        const auto postings = ledger::postings_of(snapshot_, statement.id);
        if (!expected || postings.size() != 1) {
            complain(fmt::format("{}: {} payouts are booked, {} expected", title, postings.size(),
                                 expected ? 1 : 0));
            return;
        }
        const ledger::BookedPosting& booked = postings.front();
        const ledger::Posting& posting = booked.posting;
        if (booked.number != statement.ledger_number || posting.movement != expected->movement ||
            posting.merchant != expected->merchant || posting.currency != expected->currency ||
            posting.entries != expected->entries) {
            complain(
                fmt::format("{}: it received {} and paid {} under number {}, but transaction "
                            "{} of {} {} says something else",
                            title, statement.received, statement.paid, *statement.ledger_number,
                            booked.number, posting.merchant, posting.currency.code()));
        }
    }

    void check_strangers() {
        auto rows = snapshot_.query(strangers_sql, static_cast<int>(ledger::Movement::Settle));
        while (rows.next()) {
            const auto id = rows.blob(0);
            const auto text =
                crypto::hex({reinterpret_cast<const std::uint8_t*>(id.data()), id.size()});
            complain(fmt::format("payout {} (transaction {}): no statement tells of it", text,
                                 rows.integer(1)));
        }
    }

    store::Snapshot& snapshot_;
    PayoutCheck found_;
};

}  // namespace

PayoutCheck check_payouts(store::Snapshot& snapshot) {
    return Check(snapshot).run();
}

}  // namespace florin::settlement
