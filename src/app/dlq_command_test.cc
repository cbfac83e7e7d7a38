#include "app/dlq_command.h"

#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "app/command_output.h"
#include "operations/dead_letter_api.h"
#include "platform/broker/consumer_test_world.h"
#include "platform/http/admin_access.h"
#include "platform/http/server.h"

namespace florin::app {
namespace {

namespace json = boost::json;
using broker::DeadLetter;
using broker::Handled;

/// A server with dead letters of consumers, and one webhook that no receiver took.
class DlqCommandTest : public ::testing::Test {
protected:
    DlqCommandTest() {
        operations::add_dead_letter_routes(router_, *world_.store, world_.clock, {consumers_},
                                           access_, [] {});
        router_.add("GET", "/api/gateway/dead-letters", [this](const http::Request&) {
            return ready(has_gateway_ ? http::json(200, webhooks_page)
                                      : http::problem(404, "not_found", "no such page"));
        });
        router_.add("GET", "/api/gateway/webhooks/{id}", webhook(200, webhook_json));
        router_.add("POST", "/api/gateway/webhooks/{id}/resend", webhook(202, R"({"resent":1})"));
    }
    ~DlqCommandTest() override {
        if (!thread_.joinable()) return;
        world_.loop->stop();
        thread_.join();
    }

    /// After the letters are there.
    void serve() {
        server_ = std::make_unique<http::Server>(*world_.loop, router_,
                                                 http::ServerOptions{.name = "dlq test",
                                                                     .address = "127.0.0.1",
                                                                     .port = 0,
                                                                     .share_port = false,
                                                                     .limits = {},
                                                                     .tls = nullptr},
                                                 *world_.metrics);
        port_ = server_->listen();
        thread_ = std::thread([this] { world_.loop->run(); });
    }
    std::string add(std::string group = "ledger", std::string key = "p-1") {
        DeadLetter letter;
        letter.id = ids_.next();
        letter.group = std::move(group);
        letter.message.topic = "payment.captured";
        letter.message.key = std::move(key);
        letter.message.payload = R"({"amount":5})";
        letter.error_type = "MalformedMessage";
        letter.error_message = "no\x1b[2J currency";
        world_.write([&letter](store::Transaction& tx) {
            broker::dead_letters::insert(tx, letter);
            return 0;
        });
        return letter.id.text();
    }

    CommandOutput run(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"florin", "dlq"});
        arguments.insert(arguments.end(), {"--url", "http://127.0.0.1:" + std::to_string(port_)});
        return output_of(arguments);
    }
    json::value run_json(std::vector<std::string> arguments) {
        arguments.emplace_back("--json");
        return json::parse(run(std::move(arguments)).out);
    }

    static constexpr const char* webhook_id = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10";
    static constexpr const char* webhook_json =
        R"({"webhook_id":"0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10","payment_intent_id":"pay-1",)"
        R"("url":"http://shop.test/","status":"PAYMENT_STATUS_COMPLETED","state":"dead",)"
        R"("attempts":[{"error":"refused"},{"error":"timed out"}],"created_at":"2026"})";
    static inline const std::string webhooks_page =
        std::string(R"({"webhooks":[)") + webhook_json + R"(],"next_cursor":null})";

    http::AdminAccess access_;
    bool has_gateway_ = true;
    std::function<Handled(const broker::Message&)> act_ = [](const broker::Message&) {
        return Handled::done();
    };

private:
    static http::Handler webhook(unsigned status, std::string body) {
        return [status, body](const http::Request& request) {
            return ready(request.path_value("id") == webhook_id
                             ? http::json(status, body)
                             : http::problem(404, "webhook_not_found", "webhook not found"));
        };
    }
    static awaitable<http::Response> ready(http::Response response) { co_return response; }

    broker::ConsumerWorld world_;
    UuidGenerator ids_{world_.clock, 7};
    broker::ScriptedConsumer consumer_{
        "ledger", [this](const broker::Message& message) { return act_(message); }};
    std::vector<broker::Consumer*> consumers_{&consumer_};
    http::Router router_;
    std::unique_ptr<http::Server> server_;
    std::uint16_t port_ = 1;  // where nobody answers
    std::thread thread_;
};

TEST_F(DlqCommandTest, ListShowsLettersAndWebhooksAlike) {
    const std::string id = add();
    serve();
    const CommandOutput people = run({"list"});
    EXPECT_EQ(people.code, exit_ok) << people.err;
    for (const std::string& part : {id, std::string("MalformedMessage: no [2J currency"),
                                    std::string(webhook_id), std::string("timed out")}) {
        EXPECT_NE(people.out.find(part), std::string::npos) << people.out;
    }
    EXPECT_EQ(people.out.find('\x1b'), std::string::npos) << "what came from outside is no command";
    const auto listed = run_json({"list"});
    EXPECT_EQ(listed.at("dead_letters").at(0).at("id").as_string(), id);
    EXPECT_EQ(listed.at("webhooks").at(0).at("webhook_id").as_string(), webhook_id);
    EXPECT_EQ(listed.at("more"), false);
    EXPECT_TRUE(run_json({"list", "--group", "webhooks"}).at("dead_letters").as_array().empty());
    EXPECT_TRUE(run_json({"list", "--group", "a b&c"}).at("dead_letters").as_array().empty());
    EXPECT_TRUE(run_json({"list", "--group", "ledger"}).at("webhooks").as_array().empty());
}

TEST_F(DlqCommandTest, AProcessWithoutAGatewayHasNoWebhooksThatWait) {
    const std::string id = add();
    has_gateway_ = false;
    serve();
    const auto listed = run_json({"list"});
    EXPECT_EQ(listed.at("dead_letters").at(0).at("id").as_string(), id);
    EXPECT_TRUE(listed.at("webhooks").as_array().empty());
    EXPECT_EQ(run({"list", "--group", "webhooks"}).code, exit_failure) << "they were asked for";
}

TEST_F(DlqCommandTest, ListGoesThroughThePagesUpToItsLimit) {
    for (int i = 0; i < 230; ++i) add();
    serve();
    const auto some = run_json({"list", "--group", "ledger", "--limit", "210"});
    EXPECT_EQ(some.at("dead_letters").as_array().size(), 210U);
    EXPECT_EQ(some.at("more"), true);
    const auto all = run_json({"list", "--limit", "1000"});
    EXPECT_EQ(all.at("dead_letters").as_array().size(), 230U);
    EXPECT_EQ(all.at("more"), false);
}

TEST_F(DlqCommandTest, ShowTellsEverythingOfEither) {
    const std::string id = add();
    serve();
    const CommandOutput letter = run({"show", id});
    EXPECT_EQ(letter.code, exit_ok);
    EXPECT_NE(letter.out.find(R"({"amount":5})"), std::string::npos) << letter.out;
    EXPECT_EQ(run_json({"show", webhook_id}).at("state"), "dead");
    const CommandOutput nothing = run({"show", "0192f0c1-0000-7d4e-8f5a-6b7c8d9e0f10"});
    EXPECT_EQ(nothing.code, exit_failure);
    EXPECT_NE(nothing.err.find("dead letter not found"), std::string::npos);
}

TEST_F(DlqCommandTest, RedriveGoesOnAfterAFailureAndEndsWithOne) {
    const std::string poison = add("ledger", "bad");
    const std::string good = add();
    act_ = [](const broker::Message& message) {
        return message.key == "bad" ? Handled::poison("UnknownPayment", "there is no payment bad")
                                    : Handled::done();
    };
    serve();
    const CommandOutput people = run({"redrive", poison, good, webhook_id});
    EXPECT_EQ(people.code, exit_failure);
    EXPECT_NE(people.out.find(poison + "  FAILED: "), std::string::npos) << people.out;
    EXPECT_NE(people.out.find("there is no payment bad"), std::string::npos);
    EXPECT_NE(people.out.find(good + "  DONE"), std::string::npos);
    EXPECT_NE(people.out.find(std::string(webhook_id) + "  SENT AGAIN"), std::string::npos);
    EXPECT_NE(people.out.find("2 done, 1 failed"), std::string::npos);
}

TEST_F(DlqCommandTest, RedriveOfAGroupTakesTheOldestFirst) {
    std::vector<std::string> ids{add(), add(), add()};
    add("settlement");
    serve();
    const auto told = run_json({"redrive", "--all", "--group", "ledger"});
    EXPECT_EQ(told.at("done"), 3);
    EXPECT_EQ(told.at("failed"), 0);
    for (std::size_t i = 0; i < ids.size(); ++i)
        EXPECT_EQ(told.at("results").at(i).at("id").as_string(), ids[i]);
    EXPECT_EQ(run_json({"list", "--group", "ledger"}).at("dead_letters").as_array().size(), 0U);
}

TEST_F(DlqCommandTest, DiscardGivesUpWhatWaits) {
    const std::string id = add();
    serve();
    EXPECT_EQ(run({"discard", id}).code, exit_ok);
    const CommandOutput again = run({"discard", id});
    EXPECT_EQ(again.code, exit_failure);
    EXPECT_NE(again.out.find("DISCARDED"), std::string::npos);
    const CommandOutput webhook = run({"discard", webhook_id});
    EXPECT_EQ(webhook.code, exit_failure);
    EXPECT_NE(webhook.out.find("RETENTION_HOURS"), std::string::npos) << webhook.out;
}

TEST_F(DlqCommandTest, SaysWhenNobodyAnswersOrTheTokenIsMissing) {
    const CommandOutput nobody = run({"list"});
    EXPECT_EQ(nobody.code, exit_failure);
    EXPECT_NE(nobody.err.find("--url"), std::string::npos) << nobody.err;
    access_ = {.token = "s3cret", .token_required = true};
    serve();
    const CommandOutput closed = run({"list"});
    EXPECT_EQ(closed.code, exit_failure);
    EXPECT_NE(closed.err.find("--admin-token"), std::string::npos) << closed.err;
    EXPECT_EQ(run({"list", "--admin-token", "s3cret"}).code, exit_ok);
}

TEST_F(DlqCommandTest, WrongUsageEndsWithTwo) {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"redrive"},
          {"redrive", "--all"},
          {"redrive", "--group", "ledger"},
          {"redrive", "an-id", "--all", "--group", "ledger"},
          {"discard"},
          {"show"},
          {"list", "--limit", "0"},
          {"lists"}}) {
        EXPECT_EQ(run(arguments).code, exit_usage) << arguments.front();
    }
}

}  // namespace
}  // namespace florin::app
