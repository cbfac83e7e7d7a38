#include "platform/kafka/outbox_table.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"
#include "platform/broker/consumer_group.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/event_log.h"
#include "platform/broker/offsets.h"
#include "platform/outbox/outbox.h"
#include "platform/runtime/result_of.h"
#include "platform/store/store_test_support.h"
#include "platform/store/test_database.h"

namespace florin::kafka {
namespace {

// MariaDB has the table; on SQLite a test makes it.
constexpr const char* table_for_sqlite =
    "CREATE TABLE payment_outbox (seq INTEGER PRIMARY KEY, id TEXT, aggregate_id TEXT,"
    " aggregate_type TEXT, event_type TEXT, payload TEXT, created_at TEXT, topic TEXT,"
    " partition_key TEXT);";

constexpr store::Sql select_rows(
    "SELECT id, topic, partition_key, payload, event_type, created_at FROM payment_outbox"
    " ORDER BY seq");

struct Row {
    std::string id, topic, key, payload, type, at;
};

class OutboxTableTest : public testing::Test {
protected:
    Uuid append(const std::string& type, const std::string& key, const std::string& payload) {
        const Uuid id = ids_.next();
        get(store_->write([&](store::Transaction& tx) {
            outbox::append(tx, {id, type, "merchant_payment", key, payload, clock_.now()});
            return 0;
        }));
        return id;
    }
    /// Begins anew each time, as another process would.
    void catch_up() {
        OutboxTable table(TopicNames({.mapping = {{"payment.created", "shop.created"}}}));
        broker::ConsumerGroup group(loop_, *store_, table, clock_, {}, metrics_);
        while (get(group.step()) == broker::ConsumerGroup::Step::Behind) {
        }
    }
    std::vector<Row> rows() {
        return get(store_->read([](store::Snapshot& snapshot) {
            std::vector<Row> found;
            auto rows = snapshot.query(select_rows);
            const auto text = [&rows](int column) { return std::string(rows.text(column)); };
            while (rows.next()) {
                found.push_back({text(0), text(1), text(2), text(3), text(4), text(5)});
            }
            return found;
        }));
    }
    template <class T>
    T get(awaitable<T> task) {
        return runtime::result_of(loop_, std::move(task));
    }

    ManualClock clock_;
    UuidGenerator ids_{clock_, 7};
    telemetry::Metrics metrics_;
    runtime::Loop loop_{"test"};
    store::TestDatabase database_{store::TestSchema::product_and(table_for_sqlite, "SELECT 1;")};
    std::unique_ptr<store::Store> store_ = database_.open(metrics_);
};

TEST_F(OutboxTableTest, FilesEachEventAsTheRecordThatTheRelayWouldSend) {
    const std::string payload = R"({"data":{"reason":null,"items":[],"name":"한글 \"q\""}})";
    const Uuid id = append("payment.created", "pay-1", payload);
    append("payment.completed", "pay-1", "{}");
    catch_up();
    const auto found = rows();
    ASSERT_EQ(found.size(), 2U);
    const Record record =
        record_of({.position = 1,
                   .event_id = id,
                   .topic = "payment.created",
                   .key = "pay-1",
                   .payload = payload,
                   .at = clock_.now()},
                  {.topics = TopicNames({.mapping = {{"payment.created", "shop.created"}}})});
    EXPECT_EQ(found[0].topic, record.topic);
    EXPECT_EQ(found[0].key, record.key);
    EXPECT_EQ(found[0].payload, record.value);
    EXPECT_EQ(found[0].id, record.headers.front().value);
    EXPECT_EQ(found[0].type, "payment.created");
    EXPECT_EQ(found[0].at.substr(0, 10), "2023-11-14");
    EXPECT_EQ(found[1].topic, "payment.completed");
}

TEST_F(OutboxTableTest, GoesOnWhereTheRelayStopped) {
    append("payment.created", "by the relay", "{}");
    const std::int64_t carried = get(store_->read(
        [](store::Snapshot& snapshot) { return broker::read_log(snapshot, {}, {}).end; }));
    get(store_->write([carried](store::Transaction& tx) {
        broker::set_offset(tx, EventRelay::group_name, carried);
        return 0;
    }));
    append("payment.created", "by Debezium", "{}");
    catch_up();
    catch_up();
    const auto found = rows();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].key, "by Debezium");
}

TEST_F(OutboxTableTest, FilesAgainWhatAnOperatorWantsSentAgain) {
    const Uuid id = append("payment.created", "pay-1", "{}");
    catch_up();
    get(store_->write([](store::Transaction& tx) {
        broker::set_offset(tx, EventRelay::group_name, 0);
        return 0;
    }));
    catch_up();
    const auto found = rows();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].id, id.text());
    EXPECT_EQ(found[1].id, id.text());
}

TEST_F(OutboxTableTest, DeletesWhatIsOlderThanItIsKept) {
    for (int i = 0; i < 300; ++i) append("payment.created", "old", "{}");
    catch_up();
    ASSERT_EQ(rows().size(), 300U);
    clock_.advance(OutboxTable::keep + Seconds(1));
    for (int i = 0; i < 300; ++i) append("payment.created", "new", "{}");
    catch_up();
    const auto found = rows();
    ASSERT_EQ(found.size(), 300U);
    EXPECT_EQ(found.front().key, "new");
}

TEST_F(OutboxTableTest, DeletesWhateverNumbersTheDatabaseGives) {
    OutboxTable table(TopicNames{});
    std::int64_t position = 1;
    const auto file = [&](int messages, const std::string& key) {
        get(store_->write([&, first = position](store::Transaction& tx) {
            for (int i = 0; i < messages; ++i)
                table.handle(
                    tx, {first + 2 * i, ids_.next(), "payment.created", key, "{}", clock_.now()});
            return 0;
        }));
        position += 2 * messages;
    };
    file(100, "old");
    clock_.advance(OutboxTable::keep + Seconds(1));
    file(300, "new");
    const auto found = rows();
    ASSERT_EQ(found.size(), 300U);
    EXPECT_EQ(found.front().key, "new");
}

TEST_F(OutboxTableTest, FilesADeadLetterAgain) {
    OutboxTable table(TopicNames{});
    const std::vector<broker::Consumer*> consumers = {&table};
    const Uuid id = ids_.next();
    const Uuid event = ids_.next();
    const auto redriven = get(store_->write([&](store::Transaction& tx) {
        const Instant now = clock_.now();
        broker::dead_letters::insert(tx, {id,
                                          "kafka",
                                          {7, event, "payment.created", "pay-1", "{}", now},
                                          "MSG_SIZE_TOO_LARGE",
                                          "too large",
                                          1,
                                          broker::DeadLetter::State::Waiting,
                                          now,
                                          now});
        return broker::dead_letters::redrive(tx, consumers, id, now).has_value();
    }));
    EXPECT_TRUE(redriven);
    ASSERT_EQ(rows().size(), 1U);
    EXPECT_EQ(rows()[0].id, event.text());
}

}  // namespace
}  // namespace florin::kafka
