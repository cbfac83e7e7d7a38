// How long a customer waits from the outcome of a payment to the reservation that is confirmed, at
// a steady rate of outcomes in the own log: through calls within the process, or through the real
// HTTP and gRPC faces on a thread and a database of their own. Its numbers stand in
// docs/benchmarks.md.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "platform/broker/consumer_group.h"
#include "platform/grpc/server.h"
#include "platform/http/client.h"
#include "platform/http/server.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/metrics.h"
#include "reservation/grpc_inventory.h"
#include "reservation/http_reservation_api.h"
#include "reservation/outcome_consumer.h"
#include "reservation/task_worker.h"
#include "seats/grpc_api.h"
#include "seats/http_api.h"
#include "seats/local_services.h"

namespace florin {
namespace {

using SteadyClock = std::chrono::steady_clock;
using Ids = std::vector<std::string>;

std::unique_ptr<store::Store> open(const std::filesystem::path& file, telemetry::Metrics& metrics) {
    store::SqliteOptions options;
    options.file = file;
    options.migrations = store::sqlite_migrations();
    return store::open_sqlite(options, metrics);
}

/// The reservation service over one database.
struct Seats {
    Seats(const std::filesystem::path& file, telemetry::Metrics& metrics)
        : store(open(file, metrics)),
          service(
              *store, clock, UuidGenerator(clock, 1),
              {.unknown_events = seats::UnknownEvents::Open}, [](Instant) {}, metrics) {}

    SystemClock clock;
    std::unique_ptr<store::Store> store;
    seats::ReservationService service;
};

/// Its faces on a thread of their own, until it dies.
class Faces {
public:
    Faces(Seats& seats, telemetry::Metrics& metrics) {
        seats::add_reservation_routes(router_, seats.service, access_);
        seats::add_inventory_service(services_, seats.service, access_);
        http_.emplace(loop_, router_, http_options(), metrics);
        grpc_.emplace(loop_, services_, grpc_options(), metrics);
        http_port = http_->listen();
        grpc_port = grpc_->listen();
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~Faces() {
        loop_.stop();
        thread_.join();
    }
    Faces(const Faces&) = delete;
    Faces& operator=(const Faces&) = delete;

    std::uint16_t http_port = 0;
    std::uint16_t grpc_port = 0;

private:
    static http::ServerOptions http_options() {
        http::ServerOptions options;
        options.address = "127.0.0.1";
        return options;
    }
    static grpc::ServerOptions grpc_options() {
        grpc::ServerOptions options;
        options.address = "127.0.0.1";
        return options;
    }

    const http::AdminAccess access_;
    runtime::Loop loop_{"reservations"};
    http::Router router_;
    grpc::Services services_;
    std::optional<http::Server> http_;
    std::optional<grpc::Server> grpc_;
    std::thread thread_;
};

/// When each outcome was decided, and what that came to.
class Waits {
public:
    explicit Waits(const Ids& reservations) : began_(reservations.size()) {
        for (std::size_t i = 0; i < reservations.size(); ++i) places_[reservations[i]] = i;
        waits_.reserve(reservations.size());
    }
    void begin(const std::string& reservation) {
        began_[places_.at(reservation)] = SteadyClock::now().time_since_epoch().count();
    }
    void end(const std::string& reservation) {
        const SteadyClock::duration began(began_[places_.at(reservation)].load());
        waits_.push_back(SteadyClock::now().time_since_epoch() - began);
    }
    [[nodiscard]] std::size_t ended() const { return waits_.size(); }
    [[nodiscard]] double milliseconds(double quantile) {
        std::ranges::sort(waits_);
        const auto place =
            static_cast<std::size_t>(quantile * static_cast<double>(waits_.size() - 1));
        return std::chrono::duration<double, std::milli>(waits_[place]).count();
    }

private:
    std::map<std::string, std::size_t, std::less<>> places_;
    std::vector<std::atomic<std::int64_t>> began_;
    std::vector<SteadyClock::duration> waits_;
};

/// The reservation API, watched for confirmations.
class WatchedApi final : public reservation::ReservationApi {
public:
    WatchedApi(reservation::ReservationApi& api, Waits& waits) : api_(api), waits_(waits) {}
    awaitable<reservation::CallResult> set_status(reservation::ReservationEvent event,
                                                  std::string status) override {
        const std::string id = event.reservation_id;
        auto result = co_await api_.set_status(std::move(event), std::move(status));
        if (result) waits_.end(id);
        co_return result;
    }
    awaitable<std::expected<reservation::ReservationView, reservation::CallFailure>> find(
        reservation::ReservationEvent event) override {
        return api_.find(std::move(event));
    }

private:
    reservation::ReservationApi& api_;
    Waits& waits_;
};

awaitable<void> hold_one(Seats& seats, int number, Ids& ids, int& left) {
    auto held = co_await seats.service.hold({.event_id = "concert-" + std::to_string(number % 100),
                                             .seat_ids = {"seat-" + std::to_string(number)},
                                             .user_id = "user-1",
                                             .total_price = {},
                                             .hold_for = Seconds(3'600),
                                             .idempotency_key = ""});
    if (held) ids.push_back(seats::wire_id(held->reservation.id));
    --left;
}

awaitable<void> hold_all(runtime::Loop& loop, Seats& seats, int count, Ids& ids) {
    for (int done = 0; done < count; done += 500) {
        const int batch = std::min(500, count - done);
        int left = batch;
        for (int i = 0; i < batch; ++i)
            runtime::spawn(loop, "hold", hold_one(seats, done + i, ids, left));
        while (left > 0) co_await runtime::sleep_for(Milliseconds(1));
    }
}

/// Outcomes as the simulator writes them, each in a command of its own.
class Outcomes {
public:
    Outcomes(store::Store& store, const Clock& clock, Waits& waits)
        : store_(store), ids_(clock, 2), clock_(clock), waits_(waits) {}

    awaitable<void> tell_all(runtime::Loop& loop, const Ids& reservations, double rate) {
        const auto began = SteadyClock::now();
        for (std::size_t i = 0; i < reservations.size(); ++i) {
            const auto due =
                began + std::chrono::duration_cast<SteadyClock::duration>(
                            std::chrono::duration<double>(static_cast<double>(i) / rate));
            while (SteadyClock::now() < due) co_await runtime::sleep_for(Microseconds(200));
            runtime::spawn(loop, "outcome", tell(reservations[i]));
        }
    }

private:
    awaitable<void> tell(std::string reservation) {
        outbox::Event event{ids_.next(), "payment.completed", "payment", "pay-" + reservation,
                            "",          clock_.now()};
        event.payload = outbox::cloud_event(
            event, "/florin/gateway", "trace",
            fmt::format(R"({{"payment_id":"pay-{0}","reservation_id":"{0}","user_id":"user-1",)"
                        R"("status":"PAYMENT_STATUS_COMPLETED","amount":50000,"currency":"KRW",)"
                        R"("timestamp":1,"event_type":"payment.status_updated",)"
                        R"("payment_intent_id":"pay-{0}","transaction_id":"txn-1",)"
                        R"("failure_reason":"","refunded_amount":0}})",
                        reservation));
        waits_.begin(reservation);
        co_await store_.write([&event](store::Transaction& tx) { outbox::append(tx, event); });
    }

    store::Store& store_;
    UuidGenerator ids_;
    const Clock& clock_;
    Waits& waits_;
};

struct Load {
    double rate = 500;
    int seconds = 20;
    bool remote = false;
    std::filesystem::path folder = "/tmp/florin-reservation-bench";

    [[nodiscard]] int count() const { return static_cast<int>(rate * seconds); }
};

awaitable<void> confirm_all(runtime::Loop& loop, store::Store& store, const Clock& clock,
                            reservation::ReservationApi& api, reservation::Inventory& inventory,
                            const Ids& ids, const Load& load, telemetry::Metrics& metrics) {
    Waits waits(ids);
    WatchedApi watched(api, waits);
    reservation::Handler handler(watched, inventory);
    reservation::Processor processor(handler, store, clock, metrics);
    reservation::TaskWorker worker(loop, store, processor, clock, {}, metrics);
    reservation::OutcomeConsumer consumer(seats::LocalServices::concern,
                                          [&worker] { worker.wake(); });
    broker::ConsumerOptions options;
    options.look_interval = Milliseconds(100);  // as the service does
    broker::ConsumerGroup group(loop, store, consumer, clock, options, metrics);
    worker.start();
    group.start();
    const auto began = SteadyClock::now();
    Outcomes outcomes(store, clock, waits);
    co_await outcomes.tell_all(loop, ids, load.rate);
    while (waits.ended() < ids.size()) co_await runtime::sleep_for(Milliseconds(1));
    const std::chrono::duration<double> took = SteadyClock::now() - began;
    co_await group.stop(Seconds(10));
    co_await worker.stop(Seconds(10));
    fmt::print(
        "{} reservations {}: {:.0f}/s; outcome to CONFIRMED p50 {:.1f} ms, p99 {:.1f} ms, "
        "p99.9 {:.1f} ms, most {:.1f} ms\n",
        ids.size(), load.remote ? "over HTTP and gRPC" : "within the process",
        static_cast<double>(ids.size()) / took.count(), waits.milliseconds(0.5),
        waits.milliseconds(0.99), waits.milliseconds(0.999), waits.milliseconds(1));
}

void run(const Load& load) {
    std::filesystem::remove_all(load.folder);
    std::filesystem::create_directories(load.folder);
    telemetry::Metrics metrics;
    runtime::Loop loop("bench");
    Seats seats(load.folder / "seats.db", metrics);
    Ids ids;
    runtime::run_until_done(loop, hold_all(loop, seats, load.count(), ids));
    if (!load.remote) {
        seats::LocalServices local(seats.service);
        runtime::run_until_done(
            loop, confirm_all(loop, *seats.store, seats.clock, local, local, ids, load, metrics));
        return;
    }
    const auto store = open(load.folder / "florin.db", metrics);
    const Faces faces(seats, metrics);
    http::Client client(loop, {});
    reservation::HttpReservationApi api(
        client, *http::parse_url(fmt::format("http://127.0.0.1:{}", faces.http_port)), Seconds(30),
        "");
    reservation::GrpcInventory inventory(loop, {.host = "127.0.0.1", .port = faces.grpc_port},
                                         Milliseconds(1'000), "");
    runtime::run_until_done(
        loop, confirm_all(loop, *store, seats.clock, api, inventory, ids, load, metrics));
}

}  // namespace
}  // namespace florin

int main(int argc, char** argv) {
    CLI::App parser("From the outcome of a payment to CONFIRMED", "reservation_bench");
    florin::Load load;
    parser.add_option("--rate", load.rate, "Outcomes a second")->capture_default_str();
    parser.add_option("--seconds", load.seconds, "Of outcomes")->capture_default_str();
    parser.add_flag("--remote", load.remote, "Through HTTP and gRPC");
    parser.add_option("--folder", load.folder, "Emptied before")->capture_default_str();
    CLI11_PARSE(parser, argc, argv);
    florin::run(load);
    std::filesystem::remove_all(load.folder);
    return 0;
}
