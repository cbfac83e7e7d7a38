// What becomes of commands when the server or the way to it fails under them.

#include <functional>
#include <semaphore>
#include <thread>

#include <gtest/gtest.h>

#include "platform/mariadb/cutting_proxy.h"
#include "platform/mariadb/test_world.h"

namespace florin::mariadb {
namespace {

using store::Command;
using store::eventually;
using store::Outcome;
using store::Snapshot;
using store::Sql;
using store::StoreFault;
using store::Transaction;

constexpr Sql count_items("SELECT count(*) FROM item");
constexpr Sql read_counter("SELECT value FROM counter WHERE id = ?");
constexpr Sql add_to_counter("UPDATE counter SET value = value + 1 WHERE id = ?");

/// Does harm on a thread that lives on when it is done, since a server goes with the thread that
/// has started it.
class HarmingThread {
public:
    explicit HarmingThread(std::function<void()> harm)
        : thread_([this, harm = std::move(harm)] {
              try {
                  harm();
              } catch (const std::exception& fault) {
                  fault_ = fault.what();
              }
              done_ = true;
              all_seen_.acquire();
          }) {}
    ~HarmingThread() {
        all_seen_.release();
        thread_.join();
    }
    HarmingThread(const HarmingThread&) = delete;
    HarmingThread& operator=(const HarmingThread&) = delete;

    [[nodiscard]] bool done() const { return done_; }
    /// What it was stopped by; once it is done.
    [[nodiscard]] const std::string& fault() const { return fault_; }

private:
    std::atomic<bool> done_{false};
    std::string fault_;
    std::binary_semaphore all_seen_{0};
    std::thread thread_;
};

/// A server of one test, which may be killed.
class MariadbFaults : public testing::Test {
protected:
    /// Lets a load run, does `harm` to the server in the middle of it, and holds the database to
    /// every answer.
    void expect_answers_to_be_true(store::Store& store, std::function<void()> harm) {
        Load load(world.loop, store, 16);
        const auto task = [&]() -> awaitable<void> {
            EXPECT_TRUE(co_await eventually([&] { return load.stored.size() > 200; }));
            const HarmingThread harming(std::move(harm));
            const bool done =
                co_await eventually([&] { return harming.done(); }, Seconds(10 * patience));
            EXPECT_TRUE(done);
            EXPECT_EQ(done ? harming.fault() : "", "");
            EXPECT_TRUE(co_await eventually([&] { return store.state().healthy; }))
                << store.state().fault;
            const std::size_t before = load.stored.size();
            EXPECT_TRUE(co_await eventually([&] { return load.stored.size() > before + 200; }));
            load.stop();
            EXPECT_TRUE(co_await eventually([&] { return load.ended(); }));
            EXPECT_EQ(stored_numbers(world, "item"), load.stored) << load.last_fault;
            EXPECT_EQ(stored_numbers(world, "event"), load.stored);
        };
        world.run(task());
        EXPECT_EQ(load.wrong, std::vector<std::string>());
        for (const std::int64_t number : load.refused) EXPECT_FALSE(load.stored.contains(number));
    }

    TestServer server;
    TestWorld world{server};
};

TEST_F(MariadbFaults, WhatIsAnsweredIsTrueWhenTheServerIsKilledAndStartedAgain) {
    const auto store = world.open();
    expect_answers_to_be_true(*store, [&] {
        for (int round = 0; round < 3; ++round) {
            server.kill();
            server.start();
        }
    });
    EXPECT_FALSE(world.tells("florin_store_reconnects_total 0\n"));
}

TEST_F(MariadbFaults, WhatIsAnsweredIsTrueWhenTheServerHangsAndGoesOn) {
    Options options = world.options();
    options.timeouts.connect = options.timeouts.write = options.timeouts.lock =
        std::chrono::seconds(1);
    options.outage_patience = std::chrono::milliseconds(0);
    const auto store = open_mariadb(options, world.metrics);
    expect_answers_to_be_true(*store, [&] {
        server.pause();
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (store->state().healthy && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        EXPECT_FALSE(store->state().healthy) << "the load has met the server that hangs";
        server.resume();
    });
}

TEST_F(MariadbFaults, WhatIsAnsweredIsTrueWhenConnectionsAreCut) {
    const auto store = world.open();
    expect_answers_to_be_true(*store, [&] {
        for (int round = 0; round < 20; ++round) world.cut_connections();
    });
    EXPECT_FALSE(world.tells("florin_store_reconnects_total 0\n"));
}

TEST_F(MariadbFaults, AServerThatIsReadOnlyForAMomentIsWaitedForLikeOneThatIsAway) {
    server.run("CREATE USER writer; GRANT ALL ON " + world.name + ".* TO writer");
    Options options = world.options();
    options.address.user = "writer";  // root may write all the same
    options.outage_patience = 2 * patience;
    const auto store = open_mariadb(options, world.metrics);
    const auto task = [&]() -> awaitable<void> {
        server.run("SET GLOBAL read_only = 1");
        Outcome outcome;
        runtime::spawn(world.loop, "write", store::run_command(*store, store_number(1), outcome));
        EXPECT_TRUE(co_await eventually([&] {
            return outcome.done || world.value_of("florin_store_batch_retries_total") > 8;
        }));
        EXPECT_FALSE(outcome.done) << outcome.fault;
        server.run("SET GLOBAL read_only = 0");
        EXPECT_TRUE(co_await eventually([&] { return outcome.done; }));
        EXPECT_EQ(outcome.answer, 1) << outcome.fault;
    };
    world.run(task());
}

TEST_F(MariadbFaults, AnOutageFailsWhatWaitsAndEndsByItself) {
    Options options = world.options();
    options.outage_patience = std::chrono::milliseconds(0);
    const auto store = open_mariadb(options, world.metrics);
    const auto task = [&]() -> awaitable<void> {
        server.stop();
        std::vector<Outcome> outcomes(20);
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            co_await store::run_command(*store, store_number(static_cast<std::int64_t>(i)),
                                        outcomes[i]);
            EXPECT_TRUE(outcomes[i].store_fault) << outcomes[i].fault;
        }
        EXPECT_FALSE(store->state().healthy);
        EXPECT_NE(store->state().fault.find(world.name), std::string::npos) << store->state().fault;
        std::string refusal;
        try {
            co_await store->read([](Snapshot& snapshot) { snapshot.query(count_items).next(); });
        } catch (const StoreFault& fault) {
            refusal = fault.what();
        }
        EXPECT_NE(refusal, "");
        server.start();
        EXPECT_TRUE(co_await eventually([&] { return store->state().healthy; }))
            << "nobody has to write first";
        Outcome outcome;
        co_await store::run_command(*store, store_number(100), outcome);
        EXPECT_EQ(outcome.answer, 1) << outcome.fault;
    };
    world.run(task());
    EXPECT_EQ(stored_numbers(world, "item"), std::set<std::int64_t>{100});
}

TEST(MariadbQueries, AreRunOnceMoreWhenTheirConnectionBreaks) {
    TestWorld world;
    const auto store = world.open();
    int runs = 0;
    const auto task = [&]() -> awaitable<void> {
        const auto count = co_await store->read([&](Snapshot& snapshot) {
            if (++runs == 1) world.cut_connections();
            auto rows = snapshot.query(count_items);
            return rows.next() ? rows.integer(0) : -1;
        });
        EXPECT_EQ(count, 0);
    };
    world.run(task());
    EXPECT_EQ(runs, 2);
}

/// A store whose connections go through a proxy that cuts them in the middle of a commit.
class MariadbCommit : public testing::Test {
protected:
    void open() {
        Options options = world.options();
        options.address.socket = proxy.path();
        options.address.writers = 1;
        store = open_mariadb(options, world.metrics);
    }

    /// A command that counts how often it runs.
    static Command counted(int& runs) {
        return [&runs](Transaction& tx) -> std::expected<int, std::string> {
            static_cast<void>(store_number(7)(tx));
            return ++runs;
        };
    }

    // As a query goes over the wire; the name of an isolation holds the word as well.
    static constexpr const char* commit_message = "\3COMMIT";

    TestWorld world;
    CuttingProxy proxy{world.server.address("").socket,
                       world.server.folder() / (world.name + ".p")};
    std::unique_ptr<store::Store> store;
};

TEST_F(MariadbCommit, ThatTookEffectIsAnsweredWithoutASecondRun) {
    open();
    int runs = 0;
    proxy.cut_at(commit_message, CuttingProxy::Cut::AfterIt);
    Outcome outcome;
    world.run(store::run_command(*store, counted(runs), outcome));
    EXPECT_EQ(outcome.answer, 1) << outcome.fault;
    EXPECT_EQ(runs, 1);
    EXPECT_EQ(proxy.cuts(), 1);
    EXPECT_EQ(stored_numbers(world, "event"), std::set<std::int64_t>{7});
}

TEST_F(MariadbCommit, ThatNeverArrivedIsRunAgain) {
    open();
    int runs = 0;
    proxy.cut_at(commit_message, CuttingProxy::Cut::BeforeIt);
    Outcome outcome;
    world.run(store::run_command(*store, counted(runs), outcome));
    EXPECT_EQ(outcome.answer, 2) << outcome.fault;
    EXPECT_EQ(proxy.cuts(), 1);
    EXPECT_EQ(stored_numbers(world, "event"), std::set<std::int64_t>{7});
}

TEST_F(MariadbCommit, IsNotAnsweredBeforeItsOutcomeIsKnownWhileWhatWaitsBehindItFails) {
    open();
    proxy.cut_at(commit_message, CuttingProxy::Cut::AfterIt);
    proxy.refuse_connections(true);
    const auto task = [&]() -> awaitable<void> {
        Outcome first;
        runtime::spawn(world.loop, "first", store::run_command(*store, store_number(1), first));
        EXPECT_TRUE(co_await eventually([&] { return proxy.cuts() == 1; }));
        Outcome behind;
        co_await store::run_command(*store, store_number(2), behind);
        EXPECT_TRUE(behind.store_fault);
        EXPECT_FALSE(first.done);
        EXPECT_FALSE(store->state().healthy);
        proxy.refuse_connections(false);
        EXPECT_TRUE(co_await eventually([&] { return first.done; }));
        EXPECT_EQ(first.answer, 1) << first.fault;
        EXPECT_TRUE(co_await eventually([&] { return store->state().healthy; }));
    };
    world.run(task());
    EXPECT_EQ(stored_numbers(world, "event"), std::set<std::int64_t>{1});
}

TEST_F(MariadbCommit, IsSaidToBeUnknownWhenTheStoreEndsFirst) {
    open();
    proxy.cut_at(commit_message, CuttingProxy::Cut::AfterIt);
    proxy.refuse_connections(true);
    const auto task = [&]() -> awaitable<void> {
        Outcome first;
        runtime::spawn(world.loop, "first", store::run_command(*store, store_number(1), first));
        EXPECT_TRUE(co_await eventually([&] { return proxy.cuts() == 1; }));
        store.reset();
        EXPECT_TRUE(co_await eventually([&] { return first.done; }));
        EXPECT_FALSE(first.store_fault);
        EXPECT_NE(first.fault.find("is not known"), std::string::npos) << first.fault;
    };
    world.run(task());
}

TEST(MariadbCollisions, OfTwoProcessesAreTriedAgainUntilBothAreStored) {
    TestWorld world;
    const auto ours = world.open();
    const auto theirs = world.open();
    std::atomic<int> holding{0};
    int runs = 0;
    // Each locks its first row, waits until the other has too, and wants the other's: a deadlock.
    const auto cross = [&holding, &runs](int first, int second) -> Command {
        return [&holding, &runs, first, second,
                tried = false](Transaction& tx) mutable -> std::expected<int, std::string> {
            tx.execute(add_to_counter, first);
            if (!std::exchange(tried, true)) {
                ++holding;
                while (holding < 2) std::this_thread::yield();
            }
            tx.execute(add_to_counter, second);
            return ++runs;
        };
    };
    std::vector<Outcome> outcomes(2);
    const auto task = [&]() -> awaitable<void> {
        runtime::spawn(world.loop, "a", store::run_command(*ours, cross(1, 2), outcomes[0]));
        runtime::spawn(world.loop, "b", store::run_command(*theirs, cross(2, 1), outcomes[1]));
        EXPECT_TRUE(co_await eventually([&] { return outcomes[0].done && outcomes[1].done; }));
        EXPECT_EQ(outcomes[0].fault + outcomes[1].fault, "");
        for (int id : {1, 2}) {
            const auto value = co_await ours->read([id](Snapshot& snapshot) {
                auto rows = snapshot.query(read_counter, id);
                return rows.next() ? rows.integer(0) : -1;
            });
            EXPECT_EQ(value, 2) << "each command counts once";
        }
    };
    world.run(task());
    EXPECT_FALSE(world.tells("florin_store_batch_retries_total 0\n"));
}

/// Two commands that each take one of two rows, wait until the other has too, and then meet a
/// deadlock in a query: by a range, whose rows the server locks while it sends them.
class MariadbDeadlock : public testing::Test {
protected:
    /// Looks at the other's row, with the text that reaches its own row first.
    using Look = std::function<void(Transaction& tx, const Sql& upward_or_downward)>;

    Command cross(int own, Look look) {
        return [this, own, look = std::move(look),
                tried = false](Transaction& tx) mutable -> std::expected<int, std::string> {
            tx.execute(add_to_counter, own);
            if (!std::exchange(tried, true)) {
                ++holding;
                while (holding < 2) std::this_thread::yield();
            }
            look(tx, own == 1 ? upward : downward);
            tx.execute(add_to_counter, 3 - own);
            return 1;
        };
    }
    void expect_both_to_be_stored(const Look& look) {
        std::vector<Outcome> outcomes(2);
        const auto task = [&]() -> awaitable<void> {
            runtime::spawn(world.loop, "a", store::run_command(*ours, cross(1, look), outcomes[0]));
            runtime::spawn(world.loop, "b",
                           store::run_command(*theirs, cross(2, look), outcomes[1]));
            EXPECT_TRUE(co_await eventually([&] { return outcomes[0].done && outcomes[1].done; }));
        };
        world.run(task());
        EXPECT_EQ(outcomes[0].fault + outcomes[1].fault, "");
        constexpr Sql sum("SELECT sum(value) FROM counter");
        EXPECT_EQ(world.connect()->number(sum), 4) << "each command counts once, or not at all";
        EXPECT_FALSE(world.tells("florin_store_batch_retries_total 0\n"));
    }

    static constexpr Sql upward{
        "SELECT id FROM counter FORCE INDEX (PRIMARY) WHERE id >= 1 ORDER BY id"};
    static constexpr Sql downward{
        "SELECT id FROM counter FORCE INDEX (PRIMARY) WHERE id >= 1 ORDER BY id DESC"};

    TestWorld world;
    const std::unique_ptr<store::Store> ours = world.open();
    const std::unique_ptr<store::Store> theirs = world.open();
    std::atomic<int> holding{0};
};

TEST_F(MariadbDeadlock, ThatArrivesInsteadOfARowIsTriedAgain) {
    expect_both_to_be_stored([](Transaction& tx, const Sql& range) {
        auto rows = tx.query(range);
        while (rows.next()) continue;
    });
}

TEST_F(MariadbDeadlock, ThatArrivesBehindTheRowsThatWereReadIsTriedAgain) {
    expect_both_to_be_stored([](Transaction& tx, const Sql& range) {
        auto rows = tx.query(range);
        static_cast<void>(rows.next());
    });
}

TEST(MariadbCollisions, OfTheSameKeyAreSeenByTheOneThatCameLater) {
    TestWorld world;
    const auto ours = world.open();
    const auto theirs = world.open();
    constexpr Sql find("SELECT text FROM item WHERE id = ?");
    std::atomic<int> looked{0};
    // Both look before either inserts; the second one has to find the first one's row.
    const auto claim = [&looked, &find](std::string name) -> Command {
        return [&looked, &find, name,
                tried = false](Transaction& tx) mutable -> std::expected<int, std::string> {
            auto rows = tx.query(find, 1);
            if (rows.next()) return std::unexpected("taken by " + std::string(rows.text(0)));
            if (!std::exchange(tried, true)) {
                ++looked;
                while (looked < 2) std::this_thread::yield();
            }
            tx.execute(store::insert_item, 1, name);
            return 1;
        };
    };
    std::vector<Outcome> outcomes(2);
    const auto task = [&]() -> awaitable<void> {
        runtime::spawn(world.loop, "a", store::run_command(*ours, claim("us"), outcomes[0]));
        runtime::spawn(world.loop, "b", store::run_command(*theirs, claim("them"), outcomes[1]));
        EXPECT_TRUE(co_await eventually([&] { return outcomes[0].done && outcomes[1].done; }));
    };
    world.run(task());
    EXPECT_EQ(outcomes[0].fault + outcomes[1].fault, "");
    const bool we_won = outcomes[0].answer.has_value();
    EXPECT_EQ(outcomes[we_won ? 1 : 0].answer,
              std::unexpected(std::string(we_won ? "taken by us" : "taken by them")));
}

TEST(MariadbTransactions, OfAProcessThatHangsAreCutOffAndRunAgain) {
    TestWorld world;
    Options options = world.options();
    options.timeouts.idle_transaction = std::chrono::seconds(1);
    options.outage_patience = patience;
    const auto ours = open_mariadb(options, world.metrics);
    const auto theirs = world.open();
    std::atomic<bool> holding{false};
    std::atomic<bool> passed{false};
    const Command hang = [&](Transaction& tx) -> std::expected<int, std::string> {
        tx.execute(add_to_counter, 1);
        holding = true;
        while (!passed) std::this_thread::yield();
        tx.execute(add_to_counter, 2);
        return 1;
    };
    const Command pass = [&](Transaction& tx) -> std::expected<int, std::string> {
        return static_cast<int>(tx.execute(add_to_counter, 1));
    };
    std::vector<Outcome> outcomes(2);
    const auto task = [&]() -> awaitable<void> {
        runtime::spawn(world.loop, "hang", store::run_command(*ours, hang, outcomes[0]));
        EXPECT_TRUE(co_await eventually([&] { return holding.load(); }));
        co_await store::run_command(*theirs, pass, outcomes[1]);
        EXPECT_EQ(outcomes[1].answer, 1) << outcomes[1].fault;
        passed = true;
        EXPECT_TRUE(co_await eventually([&] { return outcomes[0].done; }));
        EXPECT_EQ(outcomes[0].answer, 1) << outcomes[0].fault;
        const auto value = co_await theirs->read([](Snapshot& snapshot) {
            auto rows = snapshot.query(read_counter, 1);
            return rows.next() ? rows.integer(0) : -1;
        });
        EXPECT_EQ(value, 2);
    };
    world.run(task());
}

}  // namespace
}  // namespace florin::mariadb
