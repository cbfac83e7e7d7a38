#include "app/transfer_proofs.h"

#include <array>
#include <map>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "ledger/ledger.h"
#include "ledger/overview.h"
#include "ledger/verify.h"
#include "payments/ledger_check.h"
#include "platform/leases/lease_rows.h"
#include "platform/mariadb/connection.h"
#include "settlement/payout_check.h"

namespace florin::app {
namespace {

constexpr store::Sql last_event_sql("SELECT coalesce(max(seq), 0) FROM outbox");
constexpr store::Sql has_instances_sql(
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = database()"
    " AND table_name = 'instance'");

constexpr int books_at_once = 1'000;
/// A process beats once a second.
constexpr std::chrono::seconds some_beats{3};

void require_well(std::int64_t faults) {
    if (faults == 0) return;
    throw std::runtime_error(fmt::format(
        "the ledger of this database has {} faults: see `florin ledger verify`", faults));
}

/// The sums of all books, by currency, each in the chart's order.
std::string trial_balance(store::Snapshot& snapshot) {
    std::map<std::string, ledger::Balances> sums;
    std::int64_t after = 0;
    for (;;) {
        const auto books = ledger::books(snapshot, after, books_at_once);
        if (books.empty()) break;
        for (const auto& book : books) {
            auto& sum = sums[std::string(book.currency.code())];
            for (std::size_t i = 0; i < sum.size(); ++i) {
                if (__builtin_add_overflow(sum[i], book.balances[i], &sum[i]))
                    throw std::runtime_error("the sum of all books leaves 63 bits");
            }
            after = book.id;
        }
    }
    std::string text;
    for (const auto& [currency, sum] : sums)
        text += fmt::format("{}{} {}", text.empty() ? "" : "; ", currency, fmt::join(sum, " "));
    return text.empty() ? "nothing" : text;
}

std::map<Uuid, leases::Instance> registered(const mariadb::Address& address) {
    mariadb::Connection connection(address, mariadb::Timeouts{}, mariadb::Use::Read);
    connection.begin_snapshot();
    std::map<Uuid, leases::Instance> found;
    if (connection.number(has_instances_sql) == 0) return found;
    for (auto& instance : leases::instances(connection)) found.emplace(instance.id, instance);
    return found;
}

}  // namespace

transfer::Proofs transfer_proofs(store::Snapshot& snapshot) {
    const auto ledger = ledger::verify(snapshot);
    require_well(ledger.faults);
    const auto payments = payments::check_ledger(snapshot);
    require_well(payments.faults);
    const auto payouts = settlement::check_payouts(snapshot);
    require_well(payouts.faults);
    auto rows = snapshot.query(last_event_sql);
    const std::int64_t last_event = rows.next() ? rows.integer(0) : 0;
    return {{"heads of the ledger", ledger::fingerprint(snapshot)},
            {"books", std::to_string(ledger.books)},
            {"transactions", std::to_string(ledger.transactions)},
            {"entries", std::to_string(ledger.entries)},
            {"payments", std::to_string(payments.payments)},
            {"trial balance", trial_balance(snapshot)},
            {"last event", std::to_string(last_event)}};
}

std::vector<std::string> users_of(const mariadb::Address& address) {
    const auto before = registered(address);
    if (before.empty()) return {};
    std::this_thread::sleep_for(some_beats);
    std::vector<std::string> users;
    for (const auto& [id, instance] : registered(address)) {
        const auto seen = before.find(id);
        if (seen == before.end() || seen->second.beat != instance.beat)
            users.push_back(instance.name);
    }
    return users;
}

}  // namespace florin::app
