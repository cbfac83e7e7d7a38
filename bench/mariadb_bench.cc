// What commands shaped as an authorization cost on MariaDB: six rows and an update of their
// merchant's book each, with inserts that wait for their neighbours or without. Its numbers stand
// in docs/adr/0006-mariadb-batches.md.

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "platform/base/random.h"
#include "platform/base/uuid.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/metrics.h"

namespace florin {
namespace {

using store::Sql;

struct Settings {
    std::string url;
    bool wait = true;
    int seconds = 10;
    int merchants = 100;
    int callers = 64;
};

constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS bench_book (id INT PRIMARY KEY, head BINARY(32) NOT NULL, payments "
    "BIGINT NOT NULL, receivable BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bench_key (digest BINARY(16) PRIMARY KEY, answer BINARY(16) NOT "
    "NULL);"
    "CREATE TABLE IF NOT EXISTS bench_payment (id BINARY(16) PRIMARY KEY, merchant VARCHAR(64) NOT "
    "NULL, amount BIGINT NOT NULL, state INT NOT NULL, at BIGINT NOT NULL, text VARCHAR(255) NOT "
    "NULL);"
    "CREATE TABLE IF NOT EXISTS bench_posting (seq BIGINT AUTO_INCREMENT PRIMARY KEY, book INT NOT "
    "NULL, number BIGINT NOT NULL, payment BINARY(16) NOT NULL, hash BINARY(32) NOT NULL,"
    " UNIQUE (payment));"
    "CREATE TABLE IF NOT EXISTS bench_entry (payment BINARY(16) NOT NULL, line INT NOT NULL, "
    "amount "
    "BIGINT NOT NULL, PRIMARY KEY (payment, line));"
    "CREATE TABLE IF NOT EXISTS bench_event (seq BIGINT AUTO_INCREMENT PRIMARY KEY, payment "
    "BINARY(16) NOT NULL, payload TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS bench_answer (id BINARY(16) PRIMARY KEY, body TEXT NOT NULL)";

constexpr Sql find_book("SELECT head, payments, receivable FROM bench_book WHERE id = ?");
constexpr Sql insert_book("INSERT IGNORE INTO bench_book VALUES (?, x'00', 0, 0)");
constexpr Sql update_book(
    "UPDATE bench_book SET head = ?, payments = ?, receivable = ? WHERE id = ?");

// The adapter sends what says IGNORE at once: the same rows, one message each.
#define BENCH_INSERT(rest) {Sql("INSERT INTO " rest), Sql("INSERT IGNORE INTO " rest)}
constexpr Sql insert_key[] = BENCH_INSERT("bench_key (digest, answer) VALUES (?,?)");
constexpr Sql insert_payment[] =
    BENCH_INSERT("bench_payment (id, merchant, amount, state, at, text) VALUES (?,?,?,?,?,?)");
constexpr Sql insert_posting[] =
    BENCH_INSERT("bench_posting (book, number, payment, hash) VALUES (?,?,?,?)");
constexpr Sql insert_entry[] = BENCH_INSERT("bench_entry (payment, line, amount) VALUES (?,?,?)");
constexpr Sql insert_event[] = BENCH_INSERT("bench_event (payment, payload) VALUES (?,?)");
constexpr Sql insert_answer[] = BENCH_INSERT("bench_answer (id, body) VALUES (?,?)");

/// One run: callers that authorize one payment after the other.
class Bench {
public:
    explicit Bench(const Settings& settings)
        : settings_(settings), kind_(settings.wait ? 0 : 1), store_(open(settings)) {}

    void run() { runtime::run_until_done(loop_, work()); }

private:
    std::unique_ptr<store::Store> open(const Settings& settings) {
        mariadb::Options options;
        auto address = mariadb::parse_url(settings.url);
        if (!address) throw std::runtime_error(address.error());
        options.address = *address;
        options.migrations = {{"0001_bench.sql", schema}};
        options.sequenced_tables = {"bench_posting", "bench_event"};
        return mariadb::open_mariadb(options, metrics_);
    }

    void authorize(store::Transaction& tx, int merchant, const Uuid& id) const {
        const store::Blob hash{std::string_view("a hash of thirty-two bytes, fixed").substr(0, 32)};
        tx.execute(insert_key[kind_], id, id);
        std::int64_t payments = 0;
        std::int64_t receivable = 0;
        {
            auto rows = tx.query(find_book, merchant);
            if (rows.next()) {
                payments = rows.integer(1);
                receivable = rows.integer(2);
            } else {
                tx.execute(insert_book, merchant);
            }
        }
        tx.execute(insert_payment[kind_], id, "merchant", 10'000, 2, 1'700'000'000'000'000,
                   "a text");
        tx.execute(insert_posting[kind_], merchant, payments + 1, id, hash);
        tx.execute(insert_entry[kind_], id, 0, 10'000);
        tx.execute(update_book, hash, payments + 1, receivable + 10'000, merchant);
        tx.execute(insert_event[kind_], id, payload_);
        tx.execute(insert_answer[kind_], id, payload_);
    }

    awaitable<void> call() {
        while (std::chrono::steady_clock::now() < end_) {
            const int merchant =
                static_cast<int>(random_.next() % static_cast<std::uint64_t>(settings_.merchants));
            const Uuid id = ids_.next();
            const auto start = std::chrono::steady_clock::now();
            co_await store_->write(
                [this, merchant, id](store::Transaction& tx) { authorize(tx, merchant, id); },
                store::Route::of(std::to_string(merchant)));
            took_.push_back(std::chrono::steady_clock::now() - start);
        }
        --running_;
    }

    awaitable<void> work() {
        const auto start = std::chrono::steady_clock::now();
        end_ = start + std::chrono::seconds(settings_.seconds);
        running_ = settings_.callers;
        for (int i = 0; i < settings_.callers; ++i) runtime::spawn(loop_, "caller", call());
        while (running_ > 0) co_await runtime::sleep_for(Milliseconds(10));
        const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
        std::ranges::sort(took_);
        const auto percentile = [this](double part) {
            const auto at = static_cast<std::size_t>(part * static_cast<double>(took_.size() - 1));
            return std::chrono::duration<double, std::milli>(took_[at]).count();
        };
        fmt::print("{} callers, {} merchants, inserts {}: {:.0f}/s, p50 {:.1f} ms, p99 {:.1f} ms\n",
                   settings_.callers, settings_.merchants, settings_.wait ? "wait" : "at once",
                   static_cast<double>(took_.size()) / wall.count(), percentile(0.5),
                   percentile(0.99));
    }

    const Settings settings_;
    const std::size_t kind_;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"bench"};
    std::unique_ptr<store::Store> store_;
    SystemClock clock_;
    UuidGenerator ids_{clock_, seed_from_system()};
    Random random_{1};
    const std::string payload_ = std::string(300, 'x');
    std::chrono::steady_clock::time_point end_;
    int running_ = 0;
    std::vector<std::chrono::steady_clock::duration> took_;
};

}  // namespace
}  // namespace florin

int main(int argc, char** argv) {
    florin::Settings settings;
    CLI::App app("Commands shaped as an authorization, against a MariaDB server");
    app.add_option("--url", settings.url, "mariadb://user:password@host/database")->required();
    app.add_flag("!--at-once", settings.wait, "Send each insert by itself");
    app.add_option("--seconds", settings.seconds);
    app.add_option("--merchants", settings.merchants);
    app.add_option("--callers", settings.callers);
    CLI11_PARSE(app, argc, argv);
    try {
        florin::Bench(settings).run();
    } catch (const std::exception& fault) {
        fmt::print(stderr, "mariadb_bench: {}\n", fault.what());
        return 1;
    }
    return 0;
}
