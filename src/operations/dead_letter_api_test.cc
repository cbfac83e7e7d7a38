#include "operations/dead_letter_api.h"

#include <stdexcept>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "platform/broker/consumer_test_world.h"
#include "platform/http/admin_access.h"
#include "platform/http/server.h"

namespace florin::operations {
namespace {

namespace json = boost::json;
using broker::DeadLetter;
using broker::Handled;
using broker::ScriptedConsumer;
using http::Response;

/// Carries nothing anywhere; says so as told.
class ScriptedRelay final : public broker::Relay {
public:
    [[nodiscard]] std::string_view group() const override { return "bus"; }
    [[nodiscard]] std::vector<std::string> topics() const override { return {}; }
    awaitable<std::vector<broker::Relayed>> relay(std::vector<broker::Message> messages) override {
        carried.insert(carried.end(), messages.begin(), messages.end());
        co_return std::vector<broker::Relayed>(messages.size(), result);
    }

    broker::Relayed result;
    std::vector<broker::Message> carried;
};

/// The admin face over a log whose only consumer, "ledger", acts as told.
class DeadLetterWorld : public broker::ConsumerWorld {
public:
    explicit DeadLetterWorld(http::AdminAccess chosen = {}) : access(std::move(chosen)) {
        relays[0].loop = loop.get();
        add_dead_letter_routes(router, *store, clock, {consumers, relays}, access,
                               [this] { ++changes; });
    }

    Response ask(std::string method, std::string path,
                 std::vector<std::pair<std::string, std::string>> query = {},
                 std::string authorization = "") {
        http::Request request;
        request.method = std::move(method);
        request.path = std::move(path);
        request.query = std::move(query);
        if (!authorization.empty()) request.headers.add("Authorization", std::move(authorization));
        return get(router.serve(std::move(request)));
    }
    json::value ask_json(std::string path,
                         std::vector<std::pair<std::string, std::string>> query = {}) {
        const auto response = ask("GET", std::move(path), std::move(query));
        EXPECT_EQ(response.status, 200U) << response.body;
        return json::parse(response.body);
    }
    Response redrive(const Uuid& id) {
        return ask("POST", "/api/dead-letters/" + id.text() + "/redrive");
    }
    Response discard(const Uuid& id) {
        return ask("POST", "/api/dead-letters/" + id.text() + "/discard");
    }

    Uuid add(std::string group = "ledger") {
        DeadLetter letter;
        letter.id = ids.next();
        letter.group = std::move(group);
        letter.message = {.position = 42,
                          .event_id = ids.next(),
                          .topic = "payment.captured",
                          .key = "p-1",
                          .payload = "{\"amount\": \"\u20ac\"}",
                          .at = clock.now()};
        letter.error_type = "MalformedMessage";
        letter.error_message = "no amount";
        letter.created_at = letter.updated_at = clock.now();
        write([&letter](store::Transaction& tx) {
            broker::dead_letters::insert(tx, letter);
            return 0;
        });
        return letter.id;
    }
    DeadLetter stored(const Uuid& id) {
        return read([&id](store::Snapshot& snapshot) {
            return broker::dead_letters::find(snapshot, id).value();
        });
    }

    std::function<Handled()> act = [] { return Handled::done(); };
    ScriptedRelay relay;
    int changes = 0;

private:
    UuidGenerator ids{clock, 7};
    const http::AdminAccess access;
    ScriptedConsumer consumer{"ledger", [this](const broker::Message&) { return act(); }};
    std::vector<broker::Consumer*> consumers{&consumer};
    std::vector<RelayOnLoop> relays{{&relay, nullptr}};
    http::Router router;
};

std::string text_at(const json::value& object, const char* name) {
    return std::string(object.at(name).as_string());
}

TEST(DeadLetterApi, ListsWhatWaitsNewestFirstPageByPage) {
    DeadLetterWorld world;
    std::vector<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(world.add().text());
    world.add("settlement");
    ASSERT_EQ(world.discard(*parse_uuid(ids[2])).status, 200U);
    std::vector<std::string> listed;
    std::vector<std::pair<std::string, std::string>> query{{"group", "ledger"}, {"limit", "3"}};
    for (json::value next; !next.is_null() || listed.empty();) {
        const auto page = world.ask_json("/api/dead-letters", query);
        for (const auto& letter : page.at("dead_letters").as_array())
            listed.push_back(text_at(letter, "id"));
        next = page.at("next_before");
        if (next.is_string()) query.emplace_back("before", next.as_string());
    }
    EXPECT_EQ(listed, (std::vector{ids[4], ids[3], ids[1], ids[0]}));
}

TEST(DeadLetterApi, CountsWhatWaitsInEveryGroup) {
    DeadLetterWorld world;
    world.add("settlement");
    world.add();
    world.add();
    const auto page = world.ask_json("/api/dead-letters", {{"limit", "1"}});
    EXPECT_EQ(page.at("dead_letters").as_array().size(), 1U);
    EXPECT_EQ(json::serialize(page.at("groups")),
              R"([{"group":"ledger","waiting":2},{"group":"settlement","waiting":1}])");
}

TEST(DeadLetterApi, ShowsALetterWithItsPayloadExactlyAsItCame) {
    DeadLetterWorld world;
    const Uuid id = world.add();
    const auto letter = world.ask_json("/api/dead-letters/" + id.text());
    EXPECT_EQ(text_at(letter, "payload"), "{\"amount\": \"\u20ac\"}");
    EXPECT_EQ(text_at(letter, "state"), "WAITING");
    EXPECT_EQ(text_at(letter, "error_type"), "MalformedMessage");
    EXPECT_EQ(text_at(letter, "key"), "p-1");
    EXPECT_EQ(letter.at("position").as_int64(), 42);
    EXPECT_EQ(text_at(letter, "created_at"), "2023-11-14T22:13:20.000Z");
}

TEST(DeadLetterApi, ARedriveMakesTheEffectOnceAndTellsTheWorkers) {
    DeadLetterWorld world;
    const Uuid id = world.add();
    const auto response = world.redrive(id);
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(text_at(json::parse(response.body), "result"), "DONE");
    EXPECT_EQ(world.effects(), (broker::ConsumerWorld::Effects{{42, "p-1"}}));
    EXPECT_EQ(world.changes, 1);
    const auto again = world.redrive(id);
    EXPECT_EQ(again.status, 409U);
    EXPECT_NE(again.body.find("HANDLED"), std::string::npos);
    EXPECT_EQ(world.effects().size(), 1U);
}

TEST(DeadLetterApi, ARefusalClosesTheLetterAndSaysWhy) {
    DeadLetterWorld world;
    world.act = [] { return Handled::refused("AlreadyDecided", "the payment is CAPTURED"); };
    const auto response = world.redrive(world.add());
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(text_at(json::parse(response.body), "result"), "REFUSED");
    EXPECT_NE(response.body.find("the payment is CAPTURED"), std::string::npos);
}

TEST(DeadLetterApi, PoisonWaitsOnWithItsNewReason) {
    DeadLetterWorld world;
    const Uuid id = world.add();
    world.act = [] { return Handled::poison("UnknownPayment", "there is no payment p-1"); };
    const auto response = world.redrive(id);
    EXPECT_EQ(response.status, 409U);
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_NE(response.body.find("there is no payment p-1"), std::string::npos);
    EXPECT_EQ(world.stored(id).state, DeadLetter::State::Waiting);
    EXPECT_EQ(world.stored(id).error_type, "UnknownPayment");
}

TEST(DeadLetterApi, AHandlerThatFailsChangesNothing) {
    DeadLetterWorld world;
    const Uuid id = world.add();
    world.act = []() -> Handled { throw std::runtime_error("the balance would leave 63 bits"); };
    const auto response = world.redrive(id);
    EXPECT_EQ(response.status, 502U);
    EXPECT_NE(response.body.find("63 bits"), std::string::npos);
    EXPECT_EQ(world.stored(id).attempts, 1);
    EXPECT_EQ(world.stored(id).error_message, "no amount");
    EXPECT_EQ(world.changes, 0);
}

TEST(DeadLetterApi, WhatAHandlerNeedsAndIsAwayIsAFaultOfTheService) {
    DeadLetterWorld world;
    const Uuid id = world.add();
    world.act = []() -> Handled { throw Unavailable("the gateway is away"); };
    EXPECT_THROW(world.redrive(id), Unavailable) << "which the server answers with 503";
    EXPECT_EQ(world.stored(id).state, DeadLetter::State::Waiting);
}

TEST(DeadLetterApi, ALetterOfARelayIsCarriedAgain) {
    DeadLetterWorld world;
    const Uuid id = world.add("bus");
    world.relay.result = {broker::Relayed::Kind::Later, "Throttled", "the bus wants less"};
    const auto later = world.redrive(id);
    EXPECT_EQ(later.status, 502U);
    EXPECT_NE(later.body.find("the bus wants less"), std::string::npos);
    EXPECT_EQ(world.stored(id).attempts, 1);
    world.relay.result = {broker::Relayed::Kind::Failed, "InternalFailure", "not taken"};
    EXPECT_EQ(world.redrive(id).status, 409U);
    EXPECT_EQ(world.stored(id).state, DeadLetter::State::Waiting);
    EXPECT_EQ(world.stored(id).attempts, 2);
    EXPECT_EQ(world.stored(id).error_type, "InternalFailure");
    world.relay.result = {};
    EXPECT_EQ(text_at(json::parse(world.redrive(id).body), "result"), "DONE");
    EXPECT_EQ(world.stored(id).state, DeadLetter::State::Handled);
    EXPECT_EQ(world.redrive(id).status, 409U);
    ASSERT_EQ(world.relay.carried.size(), 3U);
    EXPECT_EQ(world.relay.carried.back().key, "p-1");
}

TEST(DeadLetterApi, AGroupWithoutConsumerCanOnlyBeDiscarded) {
    DeadLetterWorld world;
    const Uuid id = world.add("reporting");
    const auto response = world.redrive(id);
    EXPECT_EQ(response.status, 409U);
    EXPECT_NE(response.body.find("'reporting'"), std::string::npos);
    EXPECT_EQ(world.discard(id).body, R"({"id":")" + id.text() + R"(","state":"DISCARDED"})");
    EXPECT_EQ(world.discard(id).status, 409U);
    EXPECT_EQ(world.stored(id).state, DeadLetter::State::Discarded);
}

TEST(DeadLetterApi, SaysWhichLetterThereIsNotAndWhichParameterIsWrong) {
    DeadLetterWorld world;
    const std::string unknown = "/api/dead-letters/" + Uuid{}.text();
    EXPECT_EQ(world.ask("GET", unknown).status, 404U);
    EXPECT_EQ(world.ask("GET", "/api/dead-letters/abc").status, 404U);
    EXPECT_EQ(world.ask("POST", unknown + "/redrive").status, 404U);
    EXPECT_EQ(world.ask("POST", unknown + "/discard").status, 404U);
    for (const auto& [name, value] :
         {std::pair{"limit", "0"}, {"limit", "101"}, {"limit", "2x"}, {"before", "yesterday"}}) {
        const auto response = world.ask("GET", "/api/dead-letters", {{name, value}});
        EXPECT_EQ(response.status, 400U);
        EXPECT_NE(response.body.find(value), std::string::npos) << response.body;
    }
}

TEST(DeadLetterApi, AnEmptyParameterIsNone) {
    DeadLetterWorld world;
    world.add();
    const auto page =
        world.ask_json("/api/dead-letters", {{"group", ""}, {"before", ""}, {"limit", ""}});
    EXPECT_EQ(page.at("dead_letters").as_array().size(), 1U);
}

TEST(DeadLetterApi, EveryRouteAsksForTheAdminToken) {
    DeadLetterWorld world({.token = "s3cret", .token_required = true});
    const std::string one = "/api/dead-letters/" + world.add().text();
    for (const auto& [method, path] : {std::pair{"GET", std::string("/api/dead-letters")},
                                       {"GET", one},
                                       {"POST", one + "/redrive"},
                                       {"POST", one + "/discard"}}) {
        EXPECT_EQ(world.ask(method, path).status, 401U) << path;
        EXPECT_EQ(world.ask(method, path, {}, "Bearer wrong").status, 401U) << path;
    }
    EXPECT_EQ(world.ask("GET", one, {}, "Bearer s3cret").status, 200U);
}

}  // namespace
}  // namespace florin::operations
