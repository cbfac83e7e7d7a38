#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/base/manual_clock.h"
#include "platform/broker/consumer_group.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/event_log.h"
#include "platform/broker/offsets.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"

namespace florin::broker {

inline constexpr store::Sql insert_effect("INSERT INTO effect (position, message) VALUES (?, ?)");
inline constexpr store::Sql select_log("SELECT seq FROM outbox ORDER BY seq");
inline constexpr store::Sql select_effects("SELECT position, message FROM effect ORDER BY id");

/// The product's schema and a table for what test consumers do: one row for each effect, in the
/// order in which they were made. Nothing in the table keeps an effect from being made twice.
inline store::TestSchema consumer_test_schema() {
    return store::TestSchema::product_and(
        "CREATE TABLE effect (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " position INTEGER NOT NULL, message TEXT NOT NULL);",
        "CREATE TABLE effect (id BIGINT PRIMARY KEY AUTO_INCREMENT,"
        " position BIGINT NOT NULL, message VARCHAR(255) NOT NULL);");
}

/// Writes down what it handles; its `act` may decide otherwise. `act` runs on the writer.
class ScriptedConsumer final : public Consumer {
public:
    using Act = std::function<Handled(const Message&)>;

    explicit ScriptedConsumer(std::string group = "ledger", Act act = {})
        : group_(std::move(group)), act_(std::move(act)) {}

    [[nodiscard]] std::string_view group() const override { return group_; }
    [[nodiscard]] std::vector<std::string> topics() const override {
        return {"payment.captured", "payment.refunded"};
    }
    Handled handle(store::Transaction& tx, const Message& message) override {
        ++calls;
        Handled handled = act_ ? act_(message) : Handled::done();
        if (handled.kind != Handled::Kind::Done) return handled;
        tx.execute(insert_effect, message.position, message.key);
        if (after_effect) after_effect(message);
        return handled;
    }

    std::function<void(const Message&)> after_effect;  // may throw: a crash after the effect
    std::atomic<int> calls{0};

private:
    const std::string group_;
    const Act act_;
};

/// A log over a real store on one loop, with a clock that stands still.
class ConsumerWorld {
public:
    using Effects = std::vector<std::pair<std::int64_t, std::string>>;

    ConsumerWorld() { open(); }
    ~ConsumerWorld() { close(); }
    ConsumerWorld(const ConsumerWorld&) = delete;
    ConsumerWorld& operator=(const ConsumerWorld&) = delete;

    /// Ends the process, as far as the store can tell, and starts it again.
    void restart() {
        close();
        open();
    }

    void run(awaitable<void> task) { runtime::run_until_done(*loop, std::move(task)); }
    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(*loop, std::move(task));
    }
    template <class Query>
    auto read(Query query) {
        return get(store->read(std::move(query)));
    }
    template <class Command>
    auto write(Command command) {
        return get(store->write(std::move(command)));
    }

    /// Adds an event behind the last one.
    void append(std::string key, std::string topic = "payment.captured",
                std::string payload = "{}") {
        append_all({{std::move(key), std::move(topic), std::move(payload)}});
    }
    struct NewEvent {
        std::string key;
        std::string topic = "payment.captured";
        std::string payload = "{}";
    };
    void append_all(const std::vector<NewEvent>& events) {
        write([this, &events](store::Transaction& tx) {
            UuidGenerator generator(clock, ++id_seed_);
            for (const auto& [key, topic, payload] : events)
                outbox::append(tx, {generator.next(), topic, "payment", key, payload, clock.now()});
            return 0;
        });
    }

    std::unique_ptr<ConsumerGroup> group_of(Consumer& consumer, ConsumerOptions options = quick()) {
        return std::make_unique<ConsumerGroup>(*loop, *store, consumer, clock, options, *metrics);
    }
    /// Waits that a test can afford.
    static ConsumerOptions quick() {
        ConsumerOptions options;
        options.batch_pause = Microseconds(100);
        options.backoff = {Milliseconds(1), Milliseconds(2)};
        return options;
    }
    ConsumerGroup::Step step(ConsumerGroup& group) { return get(group.step()); }
    /// Steps until the group has nothing left to do or has failed.
    ConsumerGroup::Step catch_up(ConsumerGroup& group) {
        auto last = step(group);
        while (last == ConsumerGroup::Step::Behind) last = step(group);
        return last;
    }

    Effects effects() {
        return read([](store::Snapshot& snapshot) {
            Effects made;
            auto rows = snapshot.query(select_effects);
            while (rows.next()) made.emplace_back(rows.integer(0), rows.text(1));
            return made;
        });
    }
    /// Which events had effects, by their places in the log from 1: positions may leave gaps.
    std::vector<std::int64_t> positions() {
        const auto log = read(log_positions);
        std::vector<std::int64_t> all;
        for (const auto& [position, key] : effects()) all.push_back(place_in(log, position));
        return all;
    }
    std::int64_t offset(std::string_view group = "ledger") {
        return read(
            [group](store::Snapshot& snapshot) { return offset_of(snapshot, group).value_or(-1); });
    }
    /// How many events of the log the group has passed.
    std::int64_t passed() { return place_in(read(log_positions), offset()); }
    std::int64_t last_position() { return read(end_of_log); }
    std::vector<DeadLetter> dead() {
        return read([](store::Snapshot& snapshot) { return dead_letters::list(snapshot, {}); });
    }
    /// Whether /metrics shows this line.
    [[nodiscard]] bool shows(const std::string& line) const {
        return ("\n" + metrics->scrape()).contains("\n" + line + "\n");
    }

    store::TestDatabase database{consumer_test_schema()};
    ManualClock clock;
    std::unique_ptr<telemetry::Metrics> metrics;
    std::unique_ptr<runtime::Loop> loop;
    std::unique_ptr<store::Store> store;

private:
    static std::vector<std::int64_t> log_positions(store::Snapshot& snapshot) {
        std::vector<std::int64_t> all;
        auto rows = snapshot.query(select_log);
        while (rows.next()) all.push_back(rows.integer(0));
        return all;
    }
    static std::int64_t place_in(const std::vector<std::int64_t>& log, std::int64_t position) {
        return std::ranges::upper_bound(log, position) - log.begin();
    }

    void open() {
        metrics = std::make_unique<telemetry::Metrics>();
        loop = std::make_unique<runtime::Loop>("test");
        store = database.open(*metrics);
    }
    void close() {
        store.reset();
        loop.reset();
        metrics.reset();
    }

    std::uint64_t id_seed_ = 0;
};

}  // namespace florin::broker
