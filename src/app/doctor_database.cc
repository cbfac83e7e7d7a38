#include "app/doctor_database.h"

#include <fmt/format.h>

#include "app/database_address.h"
#include "app/settings.h"
#include "platform/store/store.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

}  // namespace

Finding judge_schema(const Settings& settings, const std::vector<std::string>& pending) {
    const std::size_t all = store::mariadb_migrations().size();
    if (pending.empty())
        return {Verdict::Fine, fmt::format("all {} migrations are applied", all), ""};
    std::string text = fmt::format("{} of {} migrations are to be applied, from {}", pending.size(),
                                   all, pending.front());
    if (settings.database.migrate) {
        return {Verdict::Fine, std::move(text),
                "`florin serve` does so when it starts, `florin migrate` before that"};
    }
    return {Verdict::Problem, std::move(text),
            "with DB_MIGRATE=false `florin serve` refuses this database: run `florin migrate` "
            "first, unless it should hold payments and is empty, for then it is not the right one"};
}

std::vector<Finding> judge_server(const mariadb::ServerFacts& facts, bool schema_pending) {
    std::vector<Finding> findings;
    if (!facts.syncs_each_commit) {
        findings.push_back(
            {Verdict::Warning, "MariaDB does not write each commit through to its disk",
             "set innodb_flush_log_at_trx_commit=1 and sync_binlog=1, or a power cut loses "
             "payments that were acknowledged"});
    }
    if (schema_pending && facts.binary_log && !facts.trusts_triggers) {
        findings.push_back({Verdict::Warning,
                            "with a binary log MariaDB lets only SUPER make the triggers that keep "
                            "the ledger as it is",
                            "set log_bin_trust_function_creators=1, or run `florin migrate` as a "
                            "user with SUPER"});
    }
    return findings;
}

std::vector<Finding> judge_database(const Settings& settings) {
    const auto address = database_address(settings);
    if (!address) return {};
    try {
        const auto facts = mariadb::server_facts(*address);
        const auto pending = mariadb::pending_migrations(*address, store::mariadb_migrations());
        std::vector<Finding> findings{
            {Verdict::Fine, fmt::format("{} answers: {}", address->text(), facts.version), ""},
            judge_schema(settings, pending)};
        for (auto& finding : judge_server(facts, !pending.empty()))
            findings.push_back(std::move(finding));
        return findings;
    } catch (const store::StoreFault& fault) {
        return {{Verdict::Problem, fault.what(), "check DB_URL, the server and its rights"}};
    }
}

}  // namespace florin::app
