// What one payment costs the store's writer: creates rows as the gateway does and settles them in
// bulk, under a choice of schemas and settings. Its numbers stand in docs/adr/0003-group-commit.md.

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "platform/base/random.h"
#include "platform/base/uuid.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/metrics.h"

namespace florin {
namespace {

struct Settings {
    std::filesystem::path folder = "/tmp/florin-store-bench";
    std::string schema = "clustered";
    int payments = 500'000;
    int batch = 256;
    int users = 100'000;
    std::int64_t bucket_rows = 4'096;
    int settle_rows = 256;
    int settle_lag = 20'000;
    int page_bytes = 4'096;
    int refused_percent = 0;
    int wal_limit_mib = 64;
    int cache_mib = 64;
    bool ephemeral = false;
    bool reads = false;
    bool metrics = false;
};

constexpr std::string_view columns =
    "bucket INTEGER NOT NULL, user_id TEXT NOT NULL, reservation_id TEXT NOT NULL, amount INTEGER "
    "NOT NULL,"
    " currency TEXT NOT NULL, status INTEGER NOT NULL, scenario INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, due_at INTEGER,"
    " webhook_url TEXT NOT NULL, metadata TEXT NOT NULL";

/// The schemas that are compared, by name.
std::string schema_of(const std::string& name) {
    const bool rowid = name.starts_with("rowid");
    std::string sql =
        rowid
            ? fmt::format(
                  "CREATE TABLE intent (number INTEGER PRIMARY KEY, id BLOB"
                  " NOT NULL UNIQUE, {});",
                  columns)
            : fmt::format("CREATE TABLE intent (id BLOB PRIMARY KEY, {}) WITHOUT ROWID;", columns);
    if (name.ends_with("-bucket")) {
        sql +=
            "CREATE INDEX intent_user ON intent (bucket, user_id);"
            "CREATE INDEX intent_reservation ON intent (bucket, reservation_id);";
    }
    sql += "CREATE INDEX intent_due ON intent (due_at) WHERE due_at IS NOT NULL;";
    if (!name.ends_with("-bare") && !name.ends_with("-bucket")) {
        sql += rowid ? "CREATE INDEX intent_user ON intent (user_id);"
                     : "CREATE INDEX intent_user ON intent (user_id, id);";
        if (!name.ends_with("-user")) {
            sql += rowid ? "CREATE INDEX intent_reservation ON intent (reservation_id);"
                         : "CREATE INDEX intent_reservation ON intent (reservation_id, id);";
        }
    }
    sql +=
        "CREATE TABLE outbox (number INTEGER PRIMARY KEY, intent BLOB NOT NULL, kind INTEGER NOT "
        "NULL,"
        " due_at INTEGER NOT NULL, body TEXT NOT NULL);";
    return sql;
}

constexpr store::Sql insert_intent{
    "INSERT INTO intent (id, bucket, user_id, reservation_id, amount, currency, status, scenario, "
    "created_at,"
    " updated_at, due_at, webhook_url, metadata) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"};
constexpr store::Sql settle_intent{
    "UPDATE intent SET status = ?2, updated_at = ?3, due_at = NULL WHERE id = ?1 AND status = 1"};
constexpr store::Sql insert_event{
    "INSERT INTO outbox (intent, kind, due_at, body) VALUES (?,?,?,?)"};
constexpr store::Sql find_intent{"SELECT amount, status, user_id FROM intent WHERE id = ?"};

struct Payment {
    Uuid id;
    std::int64_t bucket;
    std::string user;
    std::string reservation;
    Instant at;
};

double cpu_seconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Phase {
    std::chrono::steady_clock::time_point wall = std::chrono::steady_clock::now();
    double process_cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    double writer_cpu = 0;
};

/// One run: a loop whose coroutines create and settle payments through the store.
class Bench {
public:
    explicit Bench(const Settings& settings);
    void run();

private:
    awaitable<void> find_writer();
    awaitable<void> phase(const char* name, bool create, bool settle);
    awaitable<void> create_some();
    awaitable<void> settle_some();
    awaitable<void> read_some();
    void start(awaitable<void> task);
    Payment next_payment();
    void report(const char* name, const Phase& before, std::size_t rows);

    Settings settings_;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"bench"};
    std::unique_ptr<store::Store> store_;
    SystemClock clock_;
    UuidGenerator ids_{clock_, 1};
    Random random_{2};
    clockid_t writer_clock_ = 0;
    int remaining_ = 0;
    int running_ = 0;
    bool settling_ = false;
    int creating_ = 0;  // coroutines that create
    std::deque<Uuid> due_;
    std::vector<Uuid> known_;
    std::vector<double> latencies_;
    std::size_t settled_ = 0;
    std::size_t read_ = 0;
    std::uintmax_t wal_bytes_max_ = 0;
    std::int64_t made_ = 0;
};

Bench::Bench(const Settings& settings) : settings_(settings) {
    std::filesystem::remove_all(settings_.folder);
    std::filesystem::create_directories(settings_.folder);
    const std::string sql = schema_of(settings_.schema);
    store::SqliteOptions options;
    if (!settings_.ephemeral) options.file = settings_.folder / "bench.db";
    options.migrations = {{"0001_bench.sql", sql}};
    options.batch_commands_max = static_cast<std::size_t>(settings_.batch);
    options.page_bytes = settings_.page_bytes;
    options.wal_limit_mib = settings_.wal_limit_mib;
    options.writer_cache_mib = settings_.cache_mib;
    store_ = store::open_sqlite(options, metrics_);
}

void Bench::run() {
    runtime::run_until_done(loop_, find_writer());
    runtime::run_until_done(loop_, phase("create", true, false));
    runtime::run_until_done(loop_, phase("settle", false, true));
    runtime::run_until_done(loop_, phase("both", true, true));
    const auto start = std::chrono::steady_clock::now();
    store_.reset();
    if (settings_.metrics) fmt::print("{}", metrics_.scrape());
    const std::chrono::duration<double> closing = std::chrono::steady_clock::now() - start;
    std::uintmax_t bytes = 0;
    if (!settings_.ephemeral) bytes = std::filesystem::file_size(settings_.folder / "bench.db");
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    fmt::print(
        "database {} MiB, {} B a payment; log at most {} MiB; resident at most {} MiB; closed in "
        "{:.2f} s\n",
        bytes >> 20U, bytes / static_cast<std::uintmax_t>(2 * settings_.payments),
        wal_bytes_max_ >> 20U, usage.ru_maxrss / 1'024, closing.count());
    std::filesystem::remove_all(settings_.folder);
}

awaitable<void> Bench::find_writer() {
    co_await store_->write(
        [this](store::Transaction&) { ::pthread_getcpuclockid(::pthread_self(), &writer_clock_); });
}

awaitable<void> Bench::phase(const char* name, bool create, bool settle) {
    Phase before;
    before.writer_cpu = cpu_seconds(writer_clock_);
    latencies_.clear();
    settled_ = 0;
    read_ = 0;
    settling_ = settle;
    remaining_ = create ? settings_.payments : 0;
    creating_ = create ? settings_.batch * 4 : 0;
    if (create) {
        for (int i = creating_; i > 0; --i) start(create_some());
    }
    if (settle) {
        for (int i = 0; i < 4; ++i) start(settle_some());
    }
    if (settings_.reads) {
        for (int i = 0; i < 32; ++i) start(read_some());
    }
    while (running_ > 0) {
        co_await runtime::sleep_for(Milliseconds(20));
        if (settings_.ephemeral) continue;
        std::error_code absent;
        const auto wal = std::filesystem::file_size(settings_.folder / "bench.db-wal", absent);
        if (!absent) wal_bytes_max_ = std::max(wal_bytes_max_, wal);
    }
    report(name, before, create ? static_cast<std::size_t>(settings_.payments) : settled_);
}

void Bench::start(awaitable<void> task) {
    ++running_;
    runtime::spawn(loop_, "bench", std::move(task));
}

Payment Bench::next_payment() {
    const auto user = random_.next() % static_cast<std::uint64_t>(settings_.users);
    return {ids_.next(), made_++ / settings_.bucket_rows, fmt::format("user-{:08}", user),
            fmt::format("reservation-{:016x}", random_.next()), clock_.now()};
}

awaitable<void> Bench::create_some() {
    while (remaining_ > 0) {
        --remaining_;
        const Payment payment = next_payment();
        const auto start = std::chrono::steady_clock::now();
        const bool refuse =
            settings_.refused_percent > 0 &&
            random_.next() % 100 < static_cast<std::uint64_t>(settings_.refused_percent);
        const auto stored = co_await store_->write(
            [&payment, refuse](store::Transaction& tx) -> std::expected<bool, int> {
                tx.execute(insert_intent, payment.id, payment.bucket, payment.user,
                           payment.reservation, 12'900, "KRW", 1, 2, payment.at, payment.at,
                           payment.at + Seconds(3),
                           "https://merchant.example.com/webhooks/payments",
                           R"({"channel":"web","campaign":"autumn","note":"two seats"})");
                if (refuse) return std::unexpected(1);
                return true;
            });
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        latencies_.push_back(took.count());
        if (!stored) continue;
        due_.push_back(payment.id);
        known_.push_back(payment.id);
    }
    --creating_;
    --running_;
}

awaitable<void> Bench::settle_some() {
    const auto lag = static_cast<std::size_t>(settings_.settle_lag);
    while (creating_ > 0 || !due_.empty()) {
        if (due_.empty() || (creating_ > 0 && due_.size() < lag)) {
            co_await runtime::sleep_for(Milliseconds(1));
            continue;
        }
        const std::size_t count =
            std::min<std::size_t>(due_.size(), static_cast<std::size_t>(settings_.settle_rows));
        const std::vector<Uuid> rows(due_.begin(),
                                     due_.begin() + static_cast<std::ptrdiff_t>(count));
        due_.erase(due_.begin(), due_.begin() + static_cast<std::ptrdiff_t>(count));
        const Instant now = clock_.now();
        co_await store_->write([&rows, now](store::Transaction& tx) {
            for (const Uuid& id : rows) {
                if (tx.execute(settle_intent, id, 3, now) != 1)
                    throw std::runtime_error("not pending");
                tx.execute(insert_event, id, 2, now,
                           R"({"event":"payment.succeeded","amount":12900})");
            }
        });
        settled_ += count;
    }
    --running_;
}

awaitable<void> Bench::read_some() {
    while (remaining_ > 0 || (settling_ && !due_.empty())) {
        if (known_.empty()) {
            co_await runtime::sleep_for(Milliseconds(1));
            continue;
        }
        const Uuid id = known_[random_.next() % known_.size()];
        const bool found = co_await store_->read([&id](store::Snapshot& snapshot) {
            auto rows = snapshot.query(find_intent, id);
            return rows.next();
        });
        if (!found) throw std::runtime_error("an answered payment is not there");
        ++read_;
    }
    --running_;
}

void Bench::report(const char* name, const Phase& before, std::size_t rows) {
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - before.wall;
    const double count = static_cast<double>(rows);
    const double writer = cpu_seconds(writer_clock_) - before.writer_cpu;
    const double process = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - before.process_cpu;
    std::ranges::sort(latencies_);
    const auto percentile = [this](double part) {
        if (latencies_.empty()) return 0.0;
        return latencies_[static_cast<std::size_t>(part *
                                                   static_cast<double>(latencies_.size() - 1))] *
               1e3;
    };
    fmt::print(
        "{:7} {:8.0f}/s  writer {:5.2f} us (busy {:3.0f} %)  process {:5.2f} us  p50 {:5.1f} p99 "
        "{:5.1f}"
        " p99.9 {:5.1f} max {:5.1f} ms  settled {} read {}\n",
        name, count / wall.count(), writer / count * 1e6, writer / wall.count() * 100,
        process / count * 1e6, percentile(0.5), percentile(0.99), percentile(0.999), percentile(1),
        settled_, read_);
}

}  // namespace
}  // namespace florin

int main(int argc, char** argv) {
    florin::Settings settings;
    CLI::App app("What one payment costs the store's writer");
    app.add_option("--folder", settings.folder);
    app.add_option("--schema", settings.schema)
        ->check(CLI::IsMember({"clustered", "clustered-user", "clustered-bare", "clustered-bucket",
                               "rowid", "rowid-user", "rowid-bare", "rowid-bucket"}));
    app.add_option("--payments", settings.payments);
    app.add_option("--batch", settings.batch);
    app.add_option("--bucket-rows", settings.bucket_rows);
    app.add_option("--users", settings.users);
    app.add_option("--settle-rows", settings.settle_rows);
    app.add_option("--page", settings.page_bytes);
    app.add_option("--refused", settings.refused_percent,
                   "Percent refused after they changed rows");
    app.add_option("--wal-limit", settings.wal_limit_mib);
    app.add_option("--cache", settings.cache_mib);
    app.add_flag("--ephemeral", settings.ephemeral);
    app.add_flag("--reads", settings.reads, "Read random payments meanwhile");
    app.add_flag("--metrics", settings.metrics, "Print the store's metrics at the end");
    CLI11_PARSE(app, argc, argv);
    florin::Bench(settings).run();
    return 0;
}
