#include "ledger/verify.h"

#include <limits>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "ledger/chain.h"
#include "ledger/ledger.h"
#include "platform/base/uuid.h"

namespace florin::ledger {
namespace {

constexpr int books_a_page = 1'000;

constexpr store::Sql transactions_sql(
    "SELECT seq, book_id, number, subject_id, step, movement, at, hash FROM ledger_transaction"
    " WHERE seq > ? ORDER BY seq LIMIT ?");
// Both say the order of the join: a page of transactions, and for each the entries by their key.
constexpr store::Sql entries_sql(
    "SELECT t.seq, l.debit, l.credit, l.amount FROM ledger_transaction t CROSS JOIN ledger_line l"
    " ON l.subject_id = t.subject_id AND l.step = t.step WHERE t.seq > ? AND t.seq <= ?"
    " ORDER BY t.seq, l.line",
    "SELECT t.seq, l.debit, l.credit, l.amount FROM ledger_transaction t STRAIGHT_JOIN ledger_line"
    " l ON l.subject_id = t.subject_id AND l.step = t.step WHERE t.seq > ? AND t.seq <= ?"
    " ORDER BY t.seq, l.line");
constexpr store::Sql count_entries_sql("SELECT count(*) FROM ledger_line");

/// A transaction's row with its entries, as they are: not judged.
struct Stored {
    std::int64_t seq = 0;
    std::int64_t book = 0;
    std::int64_t number = 0;
    std::string subject;
    std::int64_t step = 0;
    std::int64_t movement = 0;
    Instant at;
    std::string hash;
    std::vector<Entry> entries;
};

std::vector<Stored> transactions_behind(store::Snapshot& snapshot, std::int64_t after, int limit) {
    std::vector<Stored> page;
    auto rows = snapshot.query(transactions_sql, after, limit);
    while (rows.next()) {
        page.push_back({.seq = rows.integer(0),
                        .book = rows.integer(1),
                        .number = rows.integer(2),
                        .subject = std::string(rows.blob(3)),
                        .step = rows.integer(4),
                        .movement = rows.integer(5),
                        .at = rows.instant(6),
                        .hash = std::string(rows.blob(7)),
                        .entries = {}});
    }
    return page;
}

/// The first `limit` transactions behind `after`. A connection that answers the next query keeps in
/// memory what is left of the last: no query here reads a whole table.
std::vector<Stored> page_behind(store::Snapshot& snapshot, std::int64_t after, int limit) {
    auto page = transactions_behind(snapshot, after, limit);
    if (page.empty()) return page;
    auto at = page.begin();
    auto rows = snapshot.query(entries_sql, after, page.back().seq);
    while (rows.next()) {
        while (at->seq != rows.integer(0)) ++at;
        at->entries.push_back({static_cast<Account>(rows.integer(1)),
                               static_cast<Account>(rows.integer(2)), rows.integer(3)});
    }
    return page;
}

/// One pass over every posting, in the order they were booked, against what the books say of
/// themselves.
class Proof {
public:
    Proof(store::Snapshot& snapshot, int postings_a_page)
        : snapshot_(snapshot), postings_a_page_(postings_a_page) {}

    Verification run() {
        read_books();
        std::int64_t after = std::numeric_limits<std::int64_t>::min();
        for (;;) {
            const auto page = page_behind(snapshot_, after, postings_a_page_);
            if (page.empty()) break;
            after = page.back().seq;
            for (const auto& stored : page) check_posting(stored);
        }
        for (const auto& [id, replay] : replays_) check_book(replay);
        check_orphans();
        return std::move(found_);
    }

private:
    struct Replay {
        Book told;  // what the book's row says
        std::int64_t transactions = 0;
        std::string head;
        Balances balances{};
    };

    void complain(std::string what) {
        ++found_.faults;
        if (found_.complaints.size() < complaints_max) found_.complaints.push_back(std::move(what));
    }
    static std::string title(const Book& book) {
        return fmt::format("book {} {}", book.merchant, book.currency.code());
    }

    void read_books() {
        std::int64_t after = 0;
        for (;;) {
            auto page = books(snapshot_, after, books_a_page);
            if (page.empty()) return;
            after = page.back().id;
            for (auto& book : page) {
                ++found_.books;
                const auto id = book.id;
                replays_[id].told = std::move(book);
            }
        }
    }

    void check_posting(const Stored& stored) {
        ++found_.transactions;
        const auto at = replays_.find(stored.book);
        if (at == replays_.end()) {
            complain(
                fmt::format("transaction {}: its book {} does not exist", stored.seq, stored.book));
            return;
        }
        Replay& replay = at->second;
        const std::int64_t number = stored.number;
        if (stored.subject.size() != 16) {
            complain(fmt::format("{}, transaction {}: what it is about is no id",
                                 title(replay.told), number));
            replay.head = stored.hash;
            replay.transactions = number;
            return;
        }
        const Posting posting{.merchant = replay.told.merchant,
                              .currency = replay.told.currency,
                              .movement = static_cast<Movement>(stored.movement),
                              .subject = uuid_from_bytes(stored.subject),
                              .step = stored.step,
                              .at = stored.at,
                              .entries = stored.entries};
        found_.entries += static_cast<std::int64_t>(posting.entries.size());
        const std::string where =
            fmt::format("{}, transaction {} ({} of {})", title(replay.told), number,
                        name_of(posting.movement), posting.subject.text());
        if (number != replay.transactions + 1) {
            complain(fmt::format("{}: follows transaction {}; {}", where, replay.transactions,
                                 "something between them was removed or added"));
        }
        check_entries(where, replay, posting.entries);
        const auto hash = chain(replay.head, number, posting);
        if (stored.hash !=
            std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()))
            complain(where +
                     ": its hash does not match what it says: it or one before was changed");
        // Goes on from what is stored: one change is one complaint.
        replay.head = stored.hash;
        replay.transactions = number;
    }

    void check_entries(const std::string& where, Replay& replay,
                       const std::vector<Entry>& entries) {
        if (entries.empty()) complain(where + ": has no entries");
        for (const auto& entry : entries) {
            if (!in_chart(entry.debit) || !in_chart(entry.credit) || entry.amount <= 0) {
                complain(fmt::format("{}: the entry {} -> {} of {} is not one", where,
                                     static_cast<int>(entry.debit), static_cast<int>(entry.credit),
                                     entry.amount));
                return;
            }
        }
        try {
            add(replay.balances, entries);
        } catch (const std::overflow_error& fault) {
            complain(where + ": " + fault.what());
        }
    }
    static bool in_chart(Account account) {
        return static_cast<std::size_t>(account) - 1 < account_count;
    }

    void check_book(const Replay& replay) {
        const Book& told = replay.told;
        if (told.transactions != replay.transactions) {
            complain(fmt::format("{}: says it has {} transactions, the last one is number {}",
                                 title(told), told.transactions, replay.transactions));
        }
        if (told.head != replay.head)
            complain(title(told) + ": its head is not the hash of its last transaction");
        __int128 total = 0;
        for (std::size_t i = 0; i < account_count; ++i) {
            total += told.balances[i];
            if (told.balances[i] == replay.balances[i]) continue;
            complain(fmt::format("{}: {} stands at {}, its entries come to {}", title(told),
                                 name_of(static_cast<Account>(i + 1)), told.balances[i],
                                 replay.balances[i]));
        }
        if (total != 0) {
            complain(fmt::format("{}: the trial balance is {}, not zero", title(told),
                                 static_cast<std::int64_t>(total)));
        }
    }

    void check_orphans() {
        auto rows = snapshot_.query(count_entries_sql);
        const std::int64_t stored = rows.next() ? rows.integer(0) : 0;
        if (stored != found_.entries) {
            complain(fmt::format("{} entries belong to no transaction", stored - found_.entries));
        }
    }

    store::Snapshot& snapshot_;
    const int postings_a_page_;
    Verification found_;
    std::unordered_map<std::int64_t, Replay> replays_;
};

}  // namespace

Verification verify(store::Snapshot& snapshot, int postings_a_page) {
    return Proof(snapshot, postings_a_page).run();
}

}  // namespace florin::ledger
