#include "app/ledger_command.h"

#include <chrono>
#include <cstdio>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/command_line.h"
#include "app/database_address.h"
#include "ledger/ledger.h"
#include "ledger/overview.h"
#include "ledger/verify.h"
#include "payments/ledger_check.h"
#include "platform/base/time_text.h"
#include "platform/crypto/hmac.h"
#include "platform/mariadb/mariadb_snapshot.h"
#include "platform/store/sqlite_snapshot.h"
#include "settlement/payout_check.h"

namespace florin::app {
namespace {

namespace json = boost::json;

std::filesystem::path file_of(const Settings& settings) {
    return settings.storage.data_dir / "florin.db";
}

std::string place_of(const Settings& settings) {
    const auto address = database_address(settings);
    return address ? address->text() : file_of(settings).string();
}

std::unique_ptr<store::Snapshot> open_database(const Settings& settings) {
    if (const auto address = database_address(settings))
        return mariadb::open_mariadb_snapshot(*address, store::mariadb_migrations());
    return store::open_sqlite_snapshot(file_of(settings), store::sqlite_migrations());
}

std::string hex(std::string_view bytes) {
    return crypto::hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

struct Proof {
    ledger::Verification ledger;
    payments::LedgerCheck payments;
    settlement::PayoutCheck payouts;
    std::string fingerprint;
    std::chrono::duration<double> took{};

    [[nodiscard]] std::int64_t faults() const {
        return ledger.faults + payments.faults + payouts.faults;
    }
};

Proof prove(const Settings& settings) {
    const auto start = std::chrono::steady_clock::now();
    const auto snapshot = open_database(settings);
    Proof proof{.ledger = ledger::verify(*snapshot),
                .payments = payments::check_ledger(*snapshot),
                .payouts = settlement::check_payouts(*snapshot),
                .fingerprint = ledger::fingerprint(*snapshot)};
    proof.took = std::chrono::steady_clock::now() - start;
    return proof;
}

void print_proof(const LedgerVerifyOptions& options, const Proof& proof) {
    fmt::print(
        "ledger of {}\n"
        "  books         {}\n"
        "  transactions  {}\n"
        "  entries       {}\n"
        "  payments      {}\n"
        "  statements    {}\n"
        "  fingerprint   {}\n"
        "  took          {:.2f} s\n",
        place_of(options.settings), proof.ledger.books, proof.ledger.transactions,
        proof.ledger.entries, proof.payments.payments, proof.payouts.statements, proof.fingerprint,
        proof.took.count());
    if (proof.faults() == 0) {
        fmt::print("ok: balances, chains, payments and payouts agree with every entry\n");
        return;
    }
    fmt::print("WRONG: {} complaints\n", proof.faults());
    for (const auto& complaint : proof.ledger.complaints) fmt::print("  {}\n", complaint);
    for (const auto& difference : proof.payments.differences)
        fmt::print("  {}\n", difference.text());
    for (const auto& complaint : proof.payouts.complaints) fmt::print("  {}\n", complaint);
    const auto shown = static_cast<std::int64_t>(proof.ledger.complaints.size() +
                                                 proof.payments.differences.size() +
                                                 proof.payouts.complaints.size());
    if (shown < proof.faults()) fmt::print("  … and {} more\n", proof.faults() - shown);
}

std::string proof_json(const Proof& proof) {
    json::array complaints;
    for (const auto& complaint : proof.ledger.complaints)
        complaints.push_back(json::object{{"text", complaint}});
    for (const auto& difference : proof.payments.differences) {
        complaints.push_back(json::object{{"text", difference.text()},
                                          {"payment_id", difference.payment},
                                          {"what", difference.what},
                                          {"expected", difference.expected},
                                          {"found", difference.found}});
    }
    for (const auto& complaint : proof.payouts.complaints)
        complaints.push_back(json::object{{"text", complaint}});
    return json::serialize(
        json::object{{"ok", proof.faults() == 0},
                     {"books", proof.ledger.books},
                     {"transactions", proof.ledger.transactions},
                     {"entries", proof.ledger.entries},
                     {"payments", proof.payments.payments},
                     {"statements", proof.payouts.statements},
                     {"fingerprint", proof.fingerprint},
                     {"duration_ms", static_cast<std::int64_t>(proof.took.count() * 1e3)},
                     {"faults", proof.faults()},
                     {"complaints", std::move(complaints)}});
}

json::object to_object(const ledger::Book& book) {
    json::object balances;
    for (std::size_t i = 0; i < ledger::account_count; ++i)
        balances[ledger::name_of(static_cast<ledger::Account>(i + 1))] = book.balances[i];
    return {{"merchant", book.merchant},
            {"currency", std::string(book.currency.code())},
            {"transactions", book.transactions},
            {"head", hex(book.head)},
            {"balances", std::move(balances)}};
}

void print_book(const ledger::Book& book) {
    fmt::print("{} {}: {} transactions, head {}\n", book.merchant, book.currency.code(),
               book.transactions, hex(book.head));
    for (std::size_t i = 0; i < ledger::account_count; ++i) {
        fmt::print("  {:<22} {:>20}\n", ledger::name_of(static_cast<ledger::Account>(i + 1)),
                   book.balances[i]);
    }
}

int show_books(store::Snapshot& snapshot, const LedgerShowOptions& options) {
    auto books = ledger::books_of(snapshot, options.merchant);
    std::erase_if(books, [&options](const ledger::Book& book) {
        return !options.currency.empty() && book.currency.code() != options.currency;
    });
    if (books.empty()) {
        fmt::print(stderr, "florin: nothing is booked for the merchant '{}'{}\n", options.merchant,
                   options.currency.empty() ? "" : " in " + options.currency);
        return exit_failure;
    }
    json::array shown;
    for (const auto& book : books) {
        if (options.json) {
            shown.push_back(to_object(book));
        } else {
            print_book(book);
        }
    }
    if (options.json) fmt::print("{}\n", json::serialize(json::object{{"books", shown}}));
    return exit_ok;
}

json::object to_object(const ledger::BookedPosting& booked) {
    const auto& posting = booked.posting;
    json::array entries;
    for (const auto& entry : posting.entries) {
        entries.push_back(json::object{{"debit", std::string(name_of(entry.debit))},
                                       {"credit", std::string(name_of(entry.credit))},
                                       {"amount", entry.amount}});
    }
    return {{"number", booked.number},
            {"movement", std::string(name_of(posting.movement))},
            {"step", posting.step},
            {"at", time_text(posting.at)},
            {"currency", std::string(posting.currency.code())},
            {"hash", hex(booked.hash)},
            {"entries", std::move(entries)}};
}

void print_posting(const ledger::BookedPosting& booked) {
    const auto& posting = booked.posting;
    fmt::print("{} {} #{}  {}  {}\n", posting.merchant, posting.currency.code(), booked.number,
               name_of(posting.movement), time_text(posting.at));
    for (const auto& entry : posting.entries) {
        fmt::print("  debit {:<22} credit {:<22} {:>20}\n", name_of(entry.debit),
                   name_of(entry.credit), entry.amount);
    }
    fmt::print("  hash {}\n", hex(booked.hash));
}

int show_payment(store::Snapshot& snapshot, const LedgerShowOptions& options) {
    const auto id = parse_uuid(options.payment);
    auto postings = id ? ledger::postings_of(snapshot, *id) : std::vector<ledger::BookedPosting>();
    std::erase_if(postings, [&options](const ledger::BookedPosting& booked) {
        return booked.posting.merchant != options.merchant;
    });
    if (postings.empty()) {
        fmt::print(stderr, "florin: nothing is booked about the payment '{}' of '{}'\n",
                   options.payment, options.merchant);
        return exit_failure;
    }
    json::array shown;
    for (const auto& booked : postings) {
        if (options.json) {
            shown.push_back(to_object(booked));
        } else {
            print_posting(booked);
        }
    }
    if (options.json) fmt::print("{}\n", json::serialize(json::object{{"postings", shown}}));
    return exit_ok;
}

}  // namespace

int run_ledger_verify(const LedgerVerifyOptions& options) {
    const Proof proof = prove(options.settings);
    if (options.json) {
        fmt::print("{}\n", proof_json(proof));
    } else {
        print_proof(options, proof);
    }
    return proof.faults() == 0 ? exit_ok : exit_failure;
}

int run_ledger_show(const LedgerShowOptions& options) {
    const auto snapshot = open_database(options.settings);
    return options.payment.empty() ? show_books(*snapshot, options)
                                   : show_payment(*snapshot, options);
}

}  // namespace florin::app
