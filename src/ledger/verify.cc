#include "ledger/verify.h"

#include <stdexcept>
#include <unordered_map>

#include <fmt/format.h>

#include "ledger/chain.h"
#include "ledger/entry_rows.h"
#include "ledger/ledger.h"

namespace florin::ledger {
namespace {

constexpr int books_a_page = 1'000;

constexpr store::Sql transactions_sql(
    "SELECT seq, book_id, number, subject_id, step, movement, at, hash FROM ledger_transaction"
    " ORDER BY seq");
constexpr store::Sql count_entries_sql("SELECT count(*) FROM ledger_line");

/// One pass over every posting, in the order they were booked, against what the books say of
/// themselves.
class Proof {
public:
    explicit Proof(store::Snapshot& snapshot) : snapshot_(snapshot) {}

    Verification run() {
        read_books();
        auto rows = snapshot_.query(transactions_sql);
        while (rows.next()) check_posting(rows);
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

    void check_posting(const store::Rows& row) {
        ++found_.transactions;
        const auto at = replays_.find(row.integer(1));
        if (at == replays_.end()) {
            complain(fmt::format("transaction {}: its book {} does not exist", row.integer(0),
                                 row.integer(1)));
            return;
        }
        Replay& replay = at->second;
        const std::int64_t number = row.integer(2);
        if (row.blob(3).size() != 16) {
            complain(fmt::format("{}, transaction {}: what it is about is no id",
                                 title(replay.told), number));
            replay.head = row.blob(7);
            replay.transactions = number;
            return;
        }
        Posting posting{.merchant = replay.told.merchant,
                        .currency = replay.told.currency,
                        .movement = static_cast<Movement>(row.integer(5)),
                        .subject = row.uuid(3),
                        .step = row.integer(4),
                        .at = row.instant(6),
                        .entries = {}};
        posting.entries = entries_of(snapshot_, posting.subject, posting.step);
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
        const std::string_view stored = row.blob(7);
        if (stored != std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()))
            complain(where +
                     ": its hash does not match what it says: it or one before was changed");
        // Goes on from what is stored: one change is one complaint.
        replay.head = stored;
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
    Verification found_;
    std::unordered_map<std::int64_t, Replay> replays_;
};

}  // namespace

Verification verify(store::Snapshot& snapshot) {
    return Proof(snapshot).run();
}

}  // namespace florin::ledger
