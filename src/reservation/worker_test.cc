#include "reservation/worker.h"

#include <algorithm>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/aws/fake_aws.h"
#include "platform/base/manual_clock.h"
#include "platform/broker/dead_letters.h"
#include "platform/runtime/result_of.h"
#include "platform/store/test_database.h"
#include "reservation/test_world.h"

namespace florin::reservation {
namespace {

namespace json = boost::json;
using Lines = std::vector<std::string>;

/// A queue with visibility by a clock that the test moves, behind the fake endpoint.
class FakeQueue {
public:
    struct Item {
        std::string body;
        Instant visible_at;
        int receives = 0;
    };

    FakeQueue(runtime::Loop& loop, Clock& clock) : endpoint(loop), clock_(clock) {
        endpoint.answer = [this](const http::Request& request) { return serve(request); };
        // A long poll: until there is something, or the test ends.
        endpoint.holds = [this](const http::Request& request) {
            if (request.headers.get("X-Amz-Target") == "AmazonSQS.ChangeMessageVisibility")
                return holds_visibility && holds_visibility(json::parse(request.body));
            return request.headers.get("X-Amz-Target") == "AmazonSQS.ReceiveMessage" && !closing &&
                   !faulty && visible() == items.end();
        };
    }

    void put(const std::string& id, std::string body) { items[id] = {std::move(body), {}, 0}; }

    aws::testing::FakeEndpoint endpoint;
    std::map<std::string, Item> items;
    std::map<std::string, std::int64_t> visibility;            // last given, by id
    std::vector<std::int64_t> visibilities;                    // all of them, as they took effect
    std::function<bool(const json::value&)> holds_visibility;  // calls that have no answer yet
    Lines dead;                                                // sent to the other queue: reasons
    bool closing = false;
    bool faulty = false;  // no call is answered
    bool refuses_delete = false;
    bool refuses_send = false;
    bool refuses_visibility = false;

private:
    std::map<std::string, Item>::iterator visible() {
        return std::ranges::find_if(
            items, [this](const auto& item) { return item.second.visible_at <= clock_.now(); });
    }
    static std::string id_of(const json::value& body) {
        const std::string receipt(body.at("ReceiptHandle").as_string());
        return receipt.substr(0, receipt.find('#'));
    }
    http::Response serve(const http::Request& request) {
        if (faulty) return aws::testing::refusal(500, "InternalError");
        const auto target = request.headers.get("X-Amz-Target");
        const json::value body = json::parse(request.body);
        if (target == "AmazonSQS.ReceiveMessage") return receive(body);
        if (target == "AmazonSQS.SendMessage") {
            if (refuses_send) return aws::testing::refusal(400, "NonExistentQueue");
            dead.emplace_back(
                body.at("MessageAttributes").at("ErrorType").at("StringValue").as_string());
        } else if (target == "AmazonSQS.DeleteMessage") {
            if (refuses_delete) return aws::testing::refusal(500, "InternalError");
            items.erase(id_of(body));
        } else {
            if (refuses_visibility) return aws::testing::refusal(500, "InternalError");
            const auto item = items.find(id_of(body));
            const std::int64_t seconds = body.at("VisibilityTimeout").as_int64();
            visibility[id_of(body)] = seconds;
            visibilities.push_back(seconds);
            if (item != items.end()) item->second.visible_at = clock_.now() + Seconds(seconds);
        }
        return http::json(200, "{}");
    }
    http::Response receive(const json::value& body) {
        json::array messages;
        const auto most = static_cast<std::size_t>(body.at("MaxNumberOfMessages").as_int64());
        for (auto item = visible(); item != items.end() && messages.size() < most;
             item = visible()) {
            auto& [id, kept] = *item;
            kept.visible_at = clock_.now() + Seconds(body.at("VisibilityTimeout").as_int64());
            ++kept.receives;
            messages.push_back(
                {{"MessageId", id},
                 {"ReceiptHandle", id + "#" + std::to_string(kept.receives)},
                 {"Body", kept.body},
                 {"Attributes", {{"ApproximateReceiveCount", std::to_string(kept.receives)}}}});
        }
        return http::json(200, json::serialize(json::object{{"Messages", messages}}));
    }

    Clock& clock_;
};

std::string approved(const std::string& reservation) {
    return R"({"type":"payment.approved","detail":{"reservation_id":")" + reservation +
           R"(","payment_intent_id":"pay-1","event_id":"concert","seat_ids":["B-1"]}})";
}

class WorkerTest : public ::testing::Test {
protected:
    WorkerTest() : store(database.open(metrics)) { begin(); }
    ~WorkerTest() override { end(); }

    static aws::ClientOptions client_options(const std::string& url) {
        aws::ClientOptions options;
        options.endpoint_url = url;
        options.attempts_max = 1;
        return options;
    }
    static WorkerOptions quick() {
        WorkerOptions options;
        options.concurrency = 4;
        options.attempts_max = 3;
        options.poll_backoff = Milliseconds(1);
        return options;
    }
    /// A new worker over the same queue and store.
    void begin(aws::Queue* dead_letters = nullptr, WorkerOptions options = quick()) {
        queue.closing = false;
        processor = std::make_unique<Processor>(handler, *store, clock, metrics);
        worker = std::make_unique<Worker>(loop, orders, dead_letters, *processor, *store, clock,
                                          options, metrics);
        worker->start();
    }
    bool stop() { return runtime::result_of(loop, worker->stop(Seconds(10))); }
    /// Stops and waits until nothing of the worker is left on the loop.
    void end() {
        held = false;
        services.before = {};
        queue.faulty = false;
        queue.holds_visibility = {};
        EXPECT_TRUE(stop());
        queue.closing = true;
        EXPECT_TRUE(eventually([this] { return worker->idle(); }));
    }
    /// The same with messages that are ours for that long, of which it is looked six times as
    /// often.
    void begin_again(Seconds visibility) {
        end();
        WorkerOptions options = quick();
        options.visibility = visibility;
        begin(nullptr, options);
    }
    /// From now on the services answer no call until `held` is false.
    void hold() {
        held = true;
        services.before = [this](std::string) -> awaitable<void> {
            while (held) co_await runtime::sleep_for(Milliseconds(1));
        };
    }
    bool soon(std::function<bool()> condition) {
        return runtime::result_of(loop, store::eventually(std::move(condition)));
    }
    bool eventually(std::function<bool()> condition) {
        clock.advance(Seconds(15));  // what waits for its time has waited
        return soon(std::move(condition));
    }
    bool emptied() {
        return soon([this] { return queue.items.empty(); });
    }
    std::vector<broker::DeadLetter> parked() {
        return runtime::result_of(loop, store->read([](store::Snapshot& snapshot) {
            return broker::dead_letters::list(snapshot, {});
        }));
    }
    bool shows(const std::string& line) {
        return ("\n" + metrics.scrape()).find("\n" + line + "\n") != std::string::npos;
    }

    runtime::Loop loop{"worker test"};
    telemetry::Metrics metrics;
    ManualClock clock;
    store::TestDatabase database;
    std::unique_ptr<store::Store> store;
    FakeQueue queue{loop, clock};
    http::Client http{loop, {}};
    aws::testing::FixedCredentials credentials;
    aws::ServiceClock time{clock};
    aws::Client client{
        http, credentials, time, aws::sqs_service, client_options(queue.endpoint.url()), metrics};
    aws::Queue orders{client, "http://sqs/1/orders"};
    aws::Queue dead_orders{client, "http://sqs/1/orders-dlq"};
    testing::FakeServices services;
    bool held = false;  // the services: they answer no call
    Handler handler{services, services};
    std::unique_ptr<Processor> processor;
    std::unique_ptr<Worker> worker;
};

TEST_F(WorkerTest, AMessageIsDeletedAfterItsEventWasHandled) {
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls, (Lines{"CONFIRMED rsv-1", "commit concert/B-1"}));
    EXPECT_TRUE(shows(R"(worker_events_total{outcome="success",type="payment.approved"} 1)"));
}

TEST_F(WorkerTest, TheSameNewsInAnotherMessageChangesNothing) {
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(emptied());
    queue.put("m-2", approved("rsv-1"));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls.size(), 2U);
}

TEST_F(WorkerTest, AWorkerThatDiesBetweenTheEffectAndTheDeleteDoesNotRepeatTheEffect) {
    queue.refuses_delete = true;
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(eventually([this] { return queue.endpoint.count("AmazonSQS.DeleteMessage") > 0; }));
    end();
    queue.refuses_delete = false;
    begin();
    clock.advance(std::chrono::minutes(2));  // the visibility of the first delivery has passed
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls.size(), 2U);
}

TEST_F(WorkerTest, WhatHasToWaitComesAgainLaterAndLater) {
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    queue.put("m-1", approved("rsv-1"));
    for (const std::int64_t wait : {2, 4, 8, 16, 16}) {
        EXPECT_TRUE(soon([this, wait] { return queue.visibility["m-1"] == wait; }));
        queue.visibility.clear();
        clock.advance(Seconds(wait));
    }
    EXPECT_EQ(queue.items.size(), 1U) << "without a queue of our own for them, redrive is SQS's";
    services.failures.clear();
    clock.advance(Seconds(60));
    EXPECT_TRUE(emptied());
    EXPECT_TRUE(shows(R"(worker_events_total{outcome="success",type="payment.approved"} 1)"));
}

TEST_F(WorkerTest, AfterTheLastAttemptItGoesToTheQueueOfDeadLetters) {
    end();
    begin(&dead_orders);
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(soon([this] {
        clock.advance(Seconds(1));
        return queue.items.empty();
    }));
    EXPECT_EQ(queue.dead, Lines{"ReservationApi"});
    EXPECT_EQ(services.calls.size(), 3U);
}

TEST_F(WorkerTest, WhatCanNeverSucceedIsParkedWithItsReason) {
    queue.put("m-1", "oops");
    services.failures["CONFIRMED"] = CallFailure::Kind::Final;
    queue.put("m-2", approved("rsv-1"));
    EXPECT_TRUE(emptied());
    const auto letters = parked();
    ASSERT_EQ(letters.size(), 2U);
    const auto oops = std::ranges::find(letters, std::string("MalformedMessage"),
                                        &broker::DeadLetter::error_type);
    ASSERT_NE(oops, letters.end());
    EXPECT_EQ(oops->group, "reservation-worker");
    EXPECT_EQ(oops->message.payload, "oops");
    EXPECT_TRUE(shows(R"(worker_events_total{outcome="invalid_payload",type="unknown"} 1)"));
}

TEST_F(WorkerTest, PoisonGoesToTheQueueOfDeadLettersWhenThereIsOne) {
    end();
    begin(&dead_orders);
    queue.put("m-1", "oops");
    EXPECT_TRUE(emptied());
    EXPECT_EQ(queue.dead, Lines{"MalformedMessage"});
    EXPECT_TRUE(parked().empty());
}

TEST_F(WorkerTest, WhatTheQueueOfDeadLettersDoesNotTakeStaysInItsOwn) {
    end();
    begin(&dead_orders);
    queue.refuses_send = true;
    queue.put("m-1", "oops");
    EXPECT_TRUE(soon([this] { return queue.visibility["m-1"] == 2; }));
    EXPECT_EQ(queue.items.size(), 1U);
    EXPECT_EQ(queue.endpoint.count("AmazonSQS.DeleteMessage"), 0U);
    queue.refuses_send = false;
    clock.advance(Seconds(2));
    EXPECT_TRUE(emptied());
    EXPECT_EQ(queue.dead, Lines{"MalformedMessage"});
}

TEST_F(WorkerTest, OnlySoManyAreHandledAtOnceAndTheOthersAreKeptForUs) {
    hold();
    for (int i = 0; i < 9; ++i)
        queue.put("m-" + std::to_string(i), approved("rsv-" + std::to_string(i)));
    EXPECT_TRUE(eventually([this] { return services.calls.size() == 4; }));
    EXPECT_TRUE(shows("worker_active_goroutines 4"));
    held = false;
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls.size(), 18U);
}

TEST_F(WorkerTest, WhatIsBeingHandledStaysOursHoweverLongItTakes) {
    begin_again(Seconds(1));
    hold();
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(soon([this] { return services.calls.size() == 1; }));
    for (int renewals = 0; renewals < 3; ++renewals) {
        queue.visibility.clear();
        clock.advance(Milliseconds(600));
        EXPECT_TRUE(soon([this] { return queue.visibility["m-1"] == 1; }));
    }
    held = false;
    EXPECT_TRUE(emptied());
    EXPECT_EQ(services.calls.size(), 2U) << "it was never delivered again";
}

TEST_F(WorkerTest, AVisibilityThatCouldNotBeExtendedIsExtendedAtTheNextLook) {
    begin_again(Seconds(1));
    hold();
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(soon([this] { return services.calls.size() == 1; }));
    queue.refuses_visibility = true;
    clock.advance(Milliseconds(600));
    EXPECT_TRUE(
        soon([this] { return queue.endpoint.count("AmazonSQS.ChangeMessageVisibility") > 0; }));
    queue.refuses_visibility = false;
    EXPECT_TRUE(soon([this] { return queue.visibility.contains("m-1"); }));
    held = false;
    EXPECT_TRUE(emptied());
}

TEST_F(WorkerTest, AnExtensionThatHangsHoldsUpNoOther) {
    begin_again(Seconds(1));
    hold();
    queue.holds_visibility = [](const json::value& body) {
        return body.at("ReceiptHandle").as_string().starts_with("m-1");
    };
    queue.put("m-1", approved("rsv-1"));
    queue.put("m-2", approved("rsv-2"));
    EXPECT_TRUE(soon([this] { return services.calls.size() == 2; }));
    clock.advance(Milliseconds(600));
    EXPECT_TRUE(soon([this] { return queue.visibility.contains("m-2"); }));
    EXPECT_TRUE(shows(R"(florin_aws_calls_total{result="unavailable",service="sqs"} 0)"))
        << "the first call was not given up before the second began";
    queue.holds_visibility = {};
    held = false;
    EXPECT_TRUE(emptied());
}

TEST_F(WorkerTest, AnExtensionUnderWayDoesNotLengthenTheWaitForTheNextAttempt) {
    begin_again(Seconds(10));
    services.failures["CONFIRMED"] = CallFailure::Kind::Passing;
    hold();
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(soon([this] { return services.calls.size() == 1; }));
    bool hangs = true;
    queue.holds_visibility = [&hangs](const json::value& body) {
        return hangs && body.at("VisibilityTimeout").as_int64() == 10;
    };
    clock.advance(Seconds(6));
    EXPECT_TRUE(
        soon([this] { return queue.endpoint.count("AmazonSQS.ChangeMessageVisibility") == 1; }));
    held = false;
    EXPECT_TRUE(soon([this] {
        return shows(R"(worker_events_total{outcome="retried",type="payment.approved"} 1)");
    }));
    // Another message goes all its way: whatever was on its way for the first has arrived.
    queue.put("m-2", "oops");
    EXPECT_TRUE(soon([this] { return !queue.items.contains("m-2"); }));
    hangs = false;
    EXPECT_TRUE(soon([this] { return queue.visibilities.size() == 2; }));
    EXPECT_EQ(queue.visibilities, (std::vector<std::int64_t>{10, 2}));
}

TEST_F(WorkerTest, AStopEndsAtItsDeadlineThoughTheQueueAnswersNoMore) {
    hold();
    for (int i = 0; i < 9; ++i)
        queue.put("m-" + std::to_string(i), approved("rsv-" + std::to_string(i)));
    EXPECT_TRUE(eventually([this] { return services.calls.size() == 4; }));
    queue.holds_visibility = [](const json::value&) { return true; };
    std::optional<bool> stopped;
    runtime::spawn(loop, "stop", runtime::keep_result(worker->stop(Milliseconds(100)), stopped));
    EXPECT_TRUE(soon([&stopped] { return stopped.has_value(); }));
    EXPECT_FALSE(*stopped);
    EXPECT_TRUE(soon([this] {
        return queue.endpoint.count("AmazonSQS.ChangeMessageVisibility") == 5;
    })) << "all of them are given back at once";
    EXPECT_TRUE(shows(R"(florin_aws_calls_total{result="unavailable",service="sqs"} 0)"));
    held = false;
    EXPECT_TRUE(soon([this] { return services.calls.size() == 8; }));
}

TEST_F(WorkerTest, AStopFinishesWhatIsBeingHandledAndGivesBackTheRest) {
    hold();
    for (int i = 0; i < 9; ++i)
        queue.put("m-" + std::to_string(i), approved("rsv-" + std::to_string(i)));
    EXPECT_TRUE(eventually([this] { return services.calls.size() == 4; }));
    std::optional<bool> stopped;
    runtime::spawn(loop, "stop", runtime::keep_result(worker->stop(Seconds(10)), stopped));
    EXPECT_TRUE(soon([this] { return queue.visibility.size() == 5; }));
    EXPECT_FALSE(stopped.has_value());
    held = false;
    EXPECT_TRUE(soon([&stopped] { return stopped.has_value(); }));
    EXPECT_TRUE(*stopped);
    EXPECT_EQ(queue.items.size(), 5U);
    EXPECT_EQ(services.calls.size(), 8U);
}

TEST_F(WorkerTest, AQueueThatIsAwayIsAskedAgain) {
    queue.faulty = true;
    EXPECT_TRUE(eventually([this] { return !worker->problem().empty(); }));
    EXPECT_NE(worker->problem().find("InternalError"), std::string::npos);
    queue.faulty = false;
    queue.put("m-1", approved("rsv-1"));
    clock.advance(Seconds(15));
    EXPECT_TRUE(emptied());
    EXPECT_TRUE(worker->problem().empty());
}

TEST_F(WorkerTest, AStoreThatIsAwayDelaysTheDelete) {
    bool away = true;
    services.before = [&away](std::string) -> awaitable<void> {
        if (away) throw Unavailable("the disk is full");
        co_return;
    };
    queue.put("m-1", approved("rsv-1"));
    EXPECT_TRUE(soon([this] { return queue.visibility.contains("m-1"); }));
    EXPECT_EQ(queue.items.size(), 1U);
    away = false;
    clock.advance(Seconds(15));
    EXPECT_TRUE(emptied());
}

}  // namespace
}  // namespace florin::reservation
