// Holds what the process serves and api/openapi.yaml together.
#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "app/event_groups.h"
#include "app/serving.h"
#include "app/settings.h"
#include "app/wire_gateway.h"
#include "app/wire_payments.h"
#include "app/wire_redis.h"
#include "app/wire_seats.h"
#include "platform/leases/leases.h"
#include "platform/runtime/loop.h"
#include "platform/store/sqlite_store.h"
#include "platform/telemetry/metrics.h"
#include "web/api_docs.h"
#include "web/assets.h"
#include "web/start_page.h"

namespace florin::app {
namespace {

namespace json = boost::json;

json::object description() {
    const auto all = web::assets();
    const auto found = std::ranges::find(all, "openapi.json", &web::Asset::name);
    return json::parse(json::string_view(found->plain.data(), found->plain.size())).as_object();
}

/// The prefixes that a path is served under: those of its own servers, or none.
std::vector<std::string> prefixes_of(const json::object& path) {
    const json::value* const servers = path.if_contains("servers");
    if (servers == nullptr) return {""};
    std::vector<std::string> prefixes;
    for (const auto& server : servers->as_array()) {
        const std::string url(server.at("url").as_string());
        prefixes.push_back(url == "/" ? "" : url);
    }
    return prefixes;
}

std::vector<std::string> documented_routes() {
    std::vector<std::string> routes;
    const json::object described = description();
    for (const auto& [path, item] : described.at("paths").as_object()) {
        for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
            std::string name = method;
            std::ranges::transform(name, name.begin(), ::tolower);
            if (!item.as_object().contains(name)) continue;
            for (const auto& prefix : prefixes_of(item.as_object()))
                routes.push_back(method + " " + prefix + std::string(path));
        }
    }
    std::ranges::sort(routes);
    return routes;
}

std::vector<std::string> served_routes() {
    const Settings settings;
    const SystemClock clock;
    telemetry::Metrics metrics;
    store::SqliteOptions options;
    options.migrations = store::sqlite_migrations();
    const auto store = store::open_sqlite(options, metrics);
    runtime::Loop background("background");
    leases::SoleLeases leases;
    GatewayParts gateway(background, *store, leases, clock, settings, metrics);
    RedisParts redis(settings, metrics);
    EventGroups groups(background, *store, leases, clock, settings, metrics);
    PaymentParts payments(background, *store, leases, groups, clock, settings, metrics);
    SeatParts seats(background, *store, clock, settings, metrics);
    ServingLoop serving("serving");
    gateway.add_faces(serving.services, serving.router);
    payments.add_faces(serving, redis, {});
    seats.add_http_face(serving.router);
    web::add_start_page(serving.router, {.grpc = 0, .health = 0});
    web::add_docs_routes(serving.router);
    return serving.router.routes();
}

std::vector<std::string> only_in(const std::vector<std::string>& left,
                                 const std::vector<std::string>& right) {
    std::vector<std::string> rest;
    std::ranges::set_difference(left, right, std::back_inserter(rest));
    return rest;
}

TEST(ApiDescription, HasExactlyTheRoutesThatAreServed) {
    const std::vector<std::string> none;
    EXPECT_EQ(only_in(served_routes(), documented_routes()), none) << "are not described";
    EXPECT_EQ(only_in(documented_routes(), served_routes()), none) << "are not served";
}

TEST(ApiDescription, NamesEachOperationOnceAndEveryTagOfIt) {
    const json::object described = description();
    std::set<std::string> tags;
    for (const auto& tag : described.at("tags").as_array())
        tags.emplace(tag.at("name").as_string());
    std::set<std::string> names;
    for (const auto& [path, item] : described.at("paths").as_object()) {
        for (const auto& [method, operation] : item.as_object()) {
            if (!operation.is_object()) continue;
            const std::string name(operation.at("operationId").as_string());
            EXPECT_TRUE(names.insert(name).second) << name;
            for (const auto& tag : operation.at("tags").as_array())
                EXPECT_TRUE(tags.contains(std::string(tag.as_string()))) << name << tag;
        }
    }
}

}  // namespace
}  // namespace florin::app
