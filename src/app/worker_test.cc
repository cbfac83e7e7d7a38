#include "app/worker.h"

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "app/grpc_address.h"
#include "app/load_settings.h"
#include "app/settings.h"
#include "app/worker_api.h"
#include "platform/http/server.h"
#include "platform/runtime/result_of.h"
#include "platform/telemetry/metrics.h"

namespace florin::app {
namespace {

Settings complete() {
    Settings settings;
    settings.aws.queue_url = "http://localhost:5000/1/orders";
    return settings;
}

/// As loaded from these variables alone.
std::expected<LoadedSettings, std::vector<std::string>> loaded(
    std::map<std::string, std::string> environment) {
    SettingInputs inputs;
    inputs.folder = "/nowhere";
    inputs.environment = std::move(environment);
    return load_settings(inputs);
}

TEST(WorkerSettings, AWorkerWantsAQueue) {
    EXPECT_EQ(missing_for_worker(complete()), "");
    EXPECT_NE(missing_for_worker({}).find("PAYMENT_WEBHOOK_QUEUE_URL"), std::string::npos);
    auto settings = complete();
    settings.aws.queue_url = "https://sqs.ap-northeast-2.amazonaws.com/YOUR_ACCOUNT_ID/orders";
    EXPECT_NE(missing_for_worker(settings).find("YOUR_ACCOUNT_ID"), std::string::npos);
    settings.aws.queue_url = "orders";
    EXPECT_NE(missing_for_worker(settings).find("PAYMENT_WEBHOOK_QUEUE_URL \"orders\""),
              std::string::npos);
}

TEST(WorkerSettings, AQueueOfDeadLettersIsNoneOrOneThatCanBe) {
    auto settings = complete();
    settings.aws.dead_letter_queue_url = "http://localhost:5000/1/orders-dlq";
    EXPECT_EQ(missing_for_worker(settings), "");
    for (const char* wrong : {"orders-dlq",
                              "https://sqs.ap-northeast-2.amazonaws.com/"
                              "YOUR_ACCOUNT_ID/traffic-tacos-payment-webhooks-dlq"}) {
        settings.aws.dead_letter_queue_url = wrong;
        EXPECT_NE(missing_for_worker(settings).find("PAYMENT_WEBHOOK_DLQ_URL"), std::string::npos)
            << wrong;
    }
}

TEST(WorkerSettings, ValuesComeFromNoSecretManager) {
    const std::map<std::string, std::string> wanted{{"FLORIN_ROLE", "reservation-worker"},
                                                    {"USE_SECRET_MANAGER", "true"}};
    const auto refused = loaded(wanted);
    ASSERT_FALSE(refused);
    ASSERT_EQ(refused.error().size(), 1U);
    EXPECT_NE(refused.error()[0].find("USE_SECRET_MANAGER (environment)"), std::string::npos);
    EXPECT_TRUE(loaded({{"FLORIN_ROLE", "reservation-worker"}, {"USE_SECRET_MANAGER", "false"}}));
    EXPECT_TRUE(loaded({{"USE_SECRET_MANAGER", "true"}})) << "it is the worker's variable";
}

TEST(WorkerSettings, AddressesNameHostAndPort) {
    const auto address = parse_grpc_address("inventory-svc:8021");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->host, "inventory-svc");
    EXPECT_EQ(address->port, 8021);
    EXPECT_FALSE(address->tls.has_value());
    EXPECT_EQ(parse_grpc_address("[::1]:8021")->host, "::1");
    for (const char* text : {"", ":1", "host", "host:", "host:0", "host:65536", "host:80x"})
        EXPECT_FALSE(parse_grpc_address(text)) << text;
}

TEST(WorkerSettings, TheServiceDealsWithOutcomesUnlessAwsCarriesThem) {
    EXPECT_TRUE(loaded({})->values.worker.local);
    EXPECT_FALSE(loaded({{"AWS_EVENTS", "true"}})->values.worker.local);
    EXPECT_TRUE(
        loaded({{"AWS_EVENTS", "true"}, {"RESERVATION_WORKER", "true"}})->values.worker.local);
    EXPECT_FALSE(loaded({{"RESERVATION_WORKER", "false"}})->values.worker.local);
}

TEST(WorkerSettings, ItCallsItsOwnReservationsUnlessOthersAreNamed) {
    EXPECT_TRUE(loaded({})->values.worker.own_services);
    EXPECT_FALSE(loaded({{"RESERVATION_API_BASE", "http://reservation-api:8010"}})
                     ->values.worker.own_services);
    EXPECT_FALSE(loaded({{"INVENTORY_GRPC_ADDR", "inventory:1"}})->values.worker.own_services);
    EXPECT_FALSE(loaded({{"INVENTORY_GRPC_ADDR", "inventory"}})) << "no port";
}

http::Response ask(const http::Router& router, std::string path) {
    http::Request request;
    request.method = "GET";
    request.path = std::move(path);
    runtime::Loop loop("worker api test");
    return runtime::result_of(loop, router.serve(std::move(request)));
}

TEST(WorkerApi, ProbesReadTheirTexts) {
    telemetry::Metrics metrics;
    http::Router router;
    bool ready = true;
    add_worker_routes(router, [&ready] { return ready; }, metrics);
    EXPECT_EQ(ask(router, "/health").body, "OK");
    EXPECT_EQ(ask(router, "/ready").body, "READY");
    ready = false;
    EXPECT_EQ(ask(router, "/ready").status, 503U);
    EXPECT_EQ(ask(router, "/metrics").status, 200U);
}

}  // namespace
}  // namespace florin::app
