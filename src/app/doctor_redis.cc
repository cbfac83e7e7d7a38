#include "app/doctor_redis.h"

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

#include "app/settings.h"
#include "platform/redis/client.h"
#include "platform/runtime/loop.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

constexpr std::string_view version_field = "redis_version:";
constexpr int version_needed = 5;  // scripts that ask for the time

struct Look {
    std::string fault;
    std::string version;
};

/// One connection, tried until it opens or its time is over.
awaitable<void> look_at(redis::Client& client, redis::Health& health, Milliseconds patience,
                        Look& look) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!health.fault().empty() && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(5));
    look.fault = health.fault();
    if (!look.fault.empty()) co_return;
    const auto info = co_await client.call({"INFO", "server"});
    if (!info) {
        look.fault = info.error().reason;
        co_return;
    }
    const auto at = info->text.find(version_field);
    if (at == std::string::npos) co_return;
    const auto from = at + version_field.size();
    look.version = info->text.substr(from, info->text.find_first_of("\r\n", from) - from);
}

}  // namespace

std::vector<Finding> judge_redis(const Settings& settings) {
    if (settings.redis.url.empty()) return {};
    const auto address = redis::parse_redis_url(settings.redis.url);
    if (!address) return {};  // settings complain of it
    redis::ClientOptions options;
    options.connections = 1;
    options.connection.address = *address;
    options.connection.ca_file = settings.redis.ca_file;
    options.connection.command_timeout = Milliseconds(2'000);
    const MonotonicClock clock;
    telemetry::Metrics metrics;
    redis::Health health(address->shown(), {}, clock, metrics);
    const std::string what = "Redis at " + address->shown();
    Look look;
    try {
        std::unique_ptr<redis::Client> client;
        runtime::Loop loop("doctor");  // ends before what lives on it
        client = std::make_unique<redis::Client>(loop, options, health);
        client->start();
        runtime::run_until_done(loop, look_at(*client, health, Milliseconds(3'000), look));
    } catch (const std::runtime_error& unusable) {
        // Of the certificates: `serve` does not start with them.
        return {{Verdict::Problem, what + ": " + unusable.what(),
                 "check the path of REDIS_CA_FILE and what it holds"}};
    }
    if (!look.fault.empty()) {
        return {{Verdict::Warning, what + ": " + look.fault,
                 "check REDIS_URL and the server; until then each instance serves without shared "
                 "limits"}};
    }
    if (!look.version.empty() && std::atoi(look.version.c_str()) < version_needed) {
        return {{Verdict::Warning, fmt::format("{} is version {}", what, look.version),
                 fmt::format("use version {} or newer: rate limits need it", version_needed)}};
    }
    return {{Verdict::Fine,
             look.version.empty() ? what + " answers"
                                  : fmt::format("{} answers, version {}", what, look.version),
             ""}};
}

}  // namespace florin::app
