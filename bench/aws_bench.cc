// What the publisher and the reservation worker get through, against a sink in this process that
// speaks AWS's protocol on a thread of its own, or against another endpoint whose bus feeds the
// queue (bench/aws_moto.sh). Its numbers stand in docs/benchmarks.md.

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "gateway/event_bridge_relay.h"
#include "platform/aws/client.h"
#include "platform/aws/sqs.h"
#include "platform/broker/offsets.h"
#include "platform/broker/relay_group.h"
#include "platform/http/client.h"
#include "platform/http/server.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/metrics.h"
#include "reservation/processor.h"
#include "reservation/worker.h"

namespace florin {
namespace {

using SteadyClock = std::chrono::steady_clock;

class GivenCredentials final : public aws::CredentialSource {
public:
    awaitable<std::expected<aws::Credentials, std::string>> get() override {
        co_return aws::Credentials{
            .access_key_id = "test", .secret_access_key = "test", .session_token = ""};
    }
    void forget() override {}
};

/// A bus that takes everything and a queue that has so many messages, after `latency`.
class Sink {
public:
    Sink(int messages, Milliseconds latency)
        : left_(messages), latency_(latency), server_(loop_, router_, options(), metrics_) {
        router_.set_fallback([this](http::Request request) { return serve(std::move(request)); });
        port_ = server_.listen();
        thread_ = std::thread([this] { loop_.run(); });
    }
    ~Sink() {
        loop_.stop();
        thread_.join();
    }
    [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}", port_); }

    std::atomic<bool> away{false};

private:
    static http::ServerOptions options() {
        http::ServerOptions options;
        options.address = "127.0.0.1";
        return options;
    }
    awaitable<http::Response> serve(http::Request request) {
        if (latency_.count() > 0) co_await runtime::sleep_for(latency_);
        const auto target = request.headers.get("X-Amz-Target");
        if (away) co_return http::json(503, "{}");
        if (target == "AWSEvents.PutEvents") co_return put_events(request);
        if (target == "AmazonSQS.ReceiveMessage") {
            if (left_ == 0) co_await runtime::sleep_for(Milliseconds(20));
            co_return receive();
        }
        co_return http::json(200, "{}");
    }
    http::Response put_events(const http::Request& request) {
        std::string results;
        int taken = 0;
        constexpr std::string_view mark = R"("EventBusName":)";
        for (auto at = request.body.find(mark); at != std::string::npos;
             at = request.body.find(mark, at + mark.size())) {
            results += fmt::format(R"({}{{"EventId":"{}"}})", taken == 0 ? "" : ",", ++next_);
            ++taken;
        }
        return http::json(200, fmt::format(R"({{"FailedEntryCount":0,"Entries":[{}]}})", results));
    }
    http::Response receive() {
        std::string messages;
        for (int i = 0; i < 10 && left_ > 0; ++i, --left_) {
            messages += fmt::format(
                R"({}{{"MessageId":"m-{}","ReceiptHandle":"r-{}","Body":"{{\"type\":)"
                R"(\"payment.approved\",\"detail\":{{\"reservation_id\":\"rsv-{}\",\"event_id\":)"
                R"(\"e\",\"seat_ids\":[\"A\"],\"payment_intent_id\":\"pay-{}\"}}}}",)"
                R"("Attributes":{{"ApproximateReceiveCount":"1"}}}})",
                messages.empty() ? "" : ",", left_, left_, left_, left_);
        }
        return http::json(200, fmt::format(R"({{"Messages":[{}]}})", messages));
    }

    int left_;
    const Milliseconds latency_;
    int next_ = 0;
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"sink"};
    http::Router router_;
    http::Server server_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

/// Services that answer after a while.
class SlowServices final : public reservation::ReservationApi, public reservation::Inventory {
public:
    explicit SlowServices(Milliseconds latency) : latency_(latency) {}
    int confirmed = 0;
    awaitable<reservation::CallResult> set_status(reservation::ReservationEvent,
                                                  std::string) override {
        co_await runtime::sleep_for(latency_);
        ++confirmed;
        co_return reservation::CallResult();
    }
    awaitable<std::expected<reservation::ReservationView, reservation::CallFailure>> find(
        reservation::ReservationEvent) override {
        co_return reservation::ReservationView{};
    }
    awaitable<reservation::CallResult> commit(reservation::ReservationEvent) override {
        co_return reservation::CallResult();
    }
    awaitable<reservation::CallResult> release(reservation::ReservationEvent,
                                               std::string) override {
        co_return reservation::CallResult();
    }

private:
    const Milliseconds latency_;
};

/// Everything both runs need, on one loop.
struct World {
    World(const std::filesystem::path& folder, const std::string& endpoint, aws::Service service)
        : client(http, credentials, time, service, options(endpoint), metrics) {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        store::SqliteOptions store_options;
        store_options.file = folder / "bench.db";
        store_options.migrations = store::sqlite_migrations();
        store = store::open_sqlite(store_options, metrics);
    }
    static aws::ClientOptions options(const std::string& endpoint) {
        aws::ClientOptions options;
        options.endpoint_url = endpoint;
        return options;
    }

    SystemClock clock;
    aws::ServiceClock time{clock};
    telemetry::Metrics metrics;
    runtime::Loop loop{"bench"};
    http::Client http{loop, {}};
    GivenCredentials credentials;
    aws::Client client;
    std::unique_ptr<store::Store> store;
};

awaitable<void> append(World& world, int events) {
    UuidGenerator ids(world.clock, 1);
    for (int done = 0; done < events; done += 1'000) {
        std::vector<outbox::Event> batch;
        for (int i = 0; i < 1'000; ++i) {
            outbox::Event event{ids.next(), "payment.completed",
                                "payment",  fmt::format("pay-{}", done + i),
                                "",         world.clock.now()};
            event.payload = outbox::cloud_event(
                event, "/florin/gateway", "trace",
                fmt::format(R"({{"payment_id":"pay-{0}","reservation_id":"rsv-{0}","user_id":"u",)"
                            R"("status":"PAYMENT_STATUS_COMPLETED","amount":50000,"currency":)"
                            R"("KRW","timestamp":1,"event_type":"payment.status_updated",)"
                            R"("payment_intent_id":"pay-{0}","transaction_id":"txn-{0}",)"
                            R"("failure_reason":"","refunded_amount":0}})",
                            done + i));
            batch.push_back(std::move(event));
        }
        co_await world.store->write([&batch](store::Transaction& tx) {
            for (const auto& event : batch) outbox::append(tx, event);
            return 0;
        });
    }
}

template <class Done>
awaitable<double> seconds_until(Done done) {
    const auto began = SteadyClock::now();
    while (!done()) co_await runtime::sleep_for(Milliseconds(2));
    co_return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

long resident_kib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

/// Until the group has come past all of them.
awaitable<double> seconds_to_pass(World& world, int events) {
    const auto began = SteadyClock::now();
    const auto passed = [](store::Snapshot& snapshot) {
        return broker::offset_of(snapshot, gateway::EventBridgeRelay::group_name).value_or(0);
    };
    while (co_await world.store->read(passed) < events)
        co_await runtime::sleep_for(Milliseconds(2));
    co_return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

/// `sink`: to be away for the first five seconds.
awaitable<void> publish(World& world, Sink* sink, int events) {
    co_await append(world, events);
    const long before = resident_kib();
    gateway::EventBridgeRelay relay(world.loop, world.client, {}, world.metrics);
    broker::ConsumerOptions options;
    options.batch_messages_max = 400;
    options.backoff.max = Milliseconds(500);
    broker::RelayGroup group(world.loop, *world.store, relay, world.clock, options, world.metrics);
    if (sink != nullptr) sink->away = true;
    group.start();
    if (sink != nullptr) {
        co_await runtime::sleep_for(Seconds(5));
        fmt::print(
            "publisher: peak memory {} KiB before, {} KiB after 5 s with {} entries waiting for a "
            "bus that is away\n",
            before, resident_kib(), events);
        sink->away = false;
    }
    const double seconds = co_await seconds_to_pass(world, events);
    co_await group.stop(Seconds(10));
    fmt::print("publisher: {} entries in {:.2f} s = {:.0f}/s\n", events, seconds, events / seconds);
}

awaitable<void> work(World& world, const std::string& queue_url, int messages,
                     Milliseconds handler) {
    aws::Queue queue(world.client, queue_url);
    SlowServices services(handler);
    reservation::Handler steps(services, services);
    reservation::Processor processor(steps, *world.store, world.clock, world.metrics);
    reservation::WorkerOptions options;
    options.wait = Seconds(0);
    reservation::Worker worker(world.loop, queue, nullptr, processor, *world.store, world.clock,
                               options, world.metrics);
    worker.start();
    const double seconds = co_await seconds_until([&] { return services.confirmed >= messages; });
    co_await worker.stop(Seconds(10));
    co_await seconds_until([&] { return worker.idle(); });
    fmt::print("worker: {} messages in {:.2f} s = {:.0f}/s with handlers of {} ms, {} at once\n",
               messages, seconds, messages / seconds, handler.count(), options.concurrency);
}

int run(int argc, char** argv) {
    CLI::App parser("Publisher and worker against a sink in this process", "aws_bench");
    std::string endpoint;
    std::string queue_url = "http://sqs/1/bench";
    int events = 100'000;
    int messages = 20'000;
    int sink_ms = 0;
    int handler_ms = 5;
    std::filesystem::path folder = "/tmp/florin-aws-bench";
    parser.add_option("--events", events, "For the publisher")->capture_default_str();
    parser.add_option("--messages", messages, "For the worker")->capture_default_str();
    parser.add_option("--sink-ms", sink_ms, "Until the sink answers")->capture_default_str();
    parser.add_option("--handler-ms", handler_ms, "Of the services")->capture_default_str();
    parser.add_option("--endpoint", endpoint,
                      "Not the sink: a bus that feeds --queue-url with what it is sent");
    parser.add_option("--queue-url", queue_url, "With --endpoint")->capture_default_str();
    parser.add_option("--folder", folder, "Emptied before each run")->capture_default_str();
    CLI11_PARSE(parser, argc, argv);
    std::optional<Sink> sink;
    if (endpoint.empty()) {
        sink.emplace(messages, Milliseconds(sink_ms));
        endpoint = sink->url();
    } else {
        messages = events;
    }
    {
        World world(folder, endpoint, aws::event_bridge_service);
        runtime::run_until_done(world.loop, publish(world, sink ? &*sink : nullptr, events));
    }
    {
        World world(folder, endpoint, aws::sqs_service);
        runtime::run_until_done(world.loop,
                                work(world, queue_url, messages, Milliseconds(handler_ms)));
    }
    std::filesystem::remove_all(folder);
    return 0;
}

}  // namespace
}  // namespace florin

int main(int argc, char** argv) {
    return florin::run(argc, argv);
}
