#include "app/setting_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "app/database_address.h"
#include "app/grpc_address.h"
#include "app/kafka_options.h"
#include "app/setting_table.h"
#include "platform/aws/event_bridge.h"
#include "platform/base/require.h"
#include "platform/redis/url.h"

namespace florin::app {
namespace {

std::size_t index_of(std::string_view name) {
    const auto& table = setting_table();
    const auto found = std::ranges::find(table, name, &Setting::name);
    require(found != table.end(), "rules name only settings of the table");
    return static_cast<std::size_t>(found - table.begin());
}

bool unset(const LoadedSettings& loaded, std::string_view name) {
    return source_of(loaded, name).kind == SettingSource::Kind::Default;
}

void note_reason(LoadedSettings& loaded, std::string_view name, const std::string& because) {
    loaded.sources[index_of(name)].text = "default for " + because;
}

void complain_about_ports(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const auto& server = loaded.values.server;
    const std::array<std::pair<const char*, std::uint16_t>, 3> ports = {
        {{"GRPC_PORT", server.grpc_port},
         {"HEALTH_PORT", server.health_port},
         {"HTTP_PORT", server.http_port}}};
    for (std::size_t i = 0; i < ports.size(); ++i) {
        for (std::size_t j = i + 1; j < ports.size(); ++j) {
            if (ports[i].second == 0 || ports[i].second != ports[j].second) continue;
            const auto described = [&](const char* name) {
                return std::string(name) + " (" + source_of(loaded, name).text + ")";
            };
            complaints.push_back(described(ports[i].first) + " and " + described(ports[j].first) +
                                 " are both " + std::to_string(ports[i].second) +
                                 "; give each a port of its own");
        }
    }
}

void complain_about_secret(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    if (loaded.values.environment != Environment::Production) return;
    if (loaded.values.roles.has(Role::ReservationWorker)) return;  // it signs nothing
    const std::string& secret = loaded.values.webhooks.secret;
    const std::string setting =
        "WEBHOOK_SECRET (" + source_of(loaded, "WEBHOOK_SECRET").text + "): ";
    const std::string remedy = "; in production give at least " +
                               std::to_string(production_secret_characters_min) +
                               " random characters, for example from `openssl rand -hex 32`";
    if (secret == default_webhook_secret) {
        complaints.push_back(setting + "the default secret is public" + remedy);
    } else if (secret.size() < production_secret_characters_min) {
        complaints.push_back(setting + "the value is too short" + remedy);
    }
}

void complain_about_open_payments(const LoadedSettings& loaded,
                                  std::vector<std::string>& complaints) {
    if (loaded.values.environment != Environment::Production) return;
    if (loaded.values.merchants.auth != MerchantAuth::Open) return;
    complaints.push_back(
        "MERCHANT_AUTH (" + source_of(loaded, "MERCHANT_AUTH").text +
        "): \"open\" lets anybody take and refund money; in production give keys, and make them "
        "with `florin keys create`");
}

// A SQLite file belongs to one process: what this one leaves undone, nobody could do.
void complain_about_split(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const Roles& roles = loaded.values.roles;
    const auto shared = parse_database_address(loaded.values.database);
    if (roles.has(Role::ReservationWorker) || !shared || *shared) return;
    const bool relays = roles.has(Role::Relay) || !loaded.values.aws.events;
    if (roles.has(Role::Worker) && relays) return;
    complaints.push_back(fmt::format(
        "FLORIN_ROLE ({}): with \"{}\" nobody does the work of {}, because a SQLite database "
        "belongs "
        "to one process; add that role, or give DB_URL a database that several processes share",
        source_of(loaded, "FLORIN_ROLE").text, roles.text(),
        roles.has(Role::Worker) ? "the relay" : "the worker"));
}

void complain_about_inventory(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const std::string& inventory = loaded.values.worker.inventory;
    if (parse_grpc_address(inventory)) return;
    complaints.push_back(fmt::format("INVENTORY_GRPC_ADDR ({}): \"{}\" is not host:port",
                                     source_of(loaded, "INVENTORY_GRPC_ADDR").text, inventory));
}

void complain_about_event_bus(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const auto& aws = loaded.values.aws;
    if (!aws.events || aws::is_event_bus(aws.event_bus_name)) return;
    complaints.push_back(
        fmt::format("EVENT_BUS_NAME ({}): \"{}\" names no event bus; give a name of 1 to 256 of "
                    "A-Z a-z 0-9 / . - _, or an ARN such as "
                    "arn:aws:events:ap-northeast-2:123456789012:event-bus/NAME",
                    source_of(loaded, "EVENT_BUS_NAME").text, aws.event_bus_name));
}

// Others share the variable; only the worker would run without the values that it stands for.
void complain_about_secret_manager(const LoadedSettings& loaded,
                                   std::vector<std::string>& complaints) {
    const Settings& settings = loaded.values;
    if (!settings.roles.has(Role::ReservationWorker) || !settings.worker.secret_manager) return;
    complaints.push_back("USE_SECRET_MANAGER (" + source_of(loaded, "USE_SECRET_MANAGER").text +
                         "): the worker asks no secret manager; give false, and the values in the "
                         "environment or in mounted files");
}

void complain_about_redis(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const std::string& url = loaded.values.redis.url;
    if (url.empty()) return;
    const auto address = redis::parse_redis_url(url);
    if (address) return;
    const char* const setting = unset(loaded, "REDIS_URL") ? "REDIS_HOST" : "REDIS_URL";
    complaints.push_back(fmt::format(
        "{} ({}): the address {}; give one such as redis://user:password@localhost:6379/0", setting,
        source_of(loaded, setting).text, address.error()));
}

void complain_about_kafka(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    for (auto& complaint : complaints_about_kafka(loaded.values))
        complaints.push_back(std::move(complaint));
    const bool debezium = loaded.values.kafka.relay == OutboxRelay::Debezium;
    const auto address = parse_database_address(loaded.values.database);
    if (debezium && address && !*address) {
        complaints.push_back("OUTBOX_RELAY (" + source_of(loaded, "OUTBOX_RELAY").text +
                             "): Debezium reads MariaDB, and this instance keeps its data in "
                             "SQLite; give DB_URL, or OUTBOX_RELAY=florin");
    }
}

void complain_about_holds(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const auto& seats = loaded.values.seats;
    if (seats.hold_for <= seats.hold_for_max) return;
    complaints.push_back(
        fmt::format("RESERVATION_HOLD_SECONDS_MAX ({}): {} is less than RESERVATION_HOLD_SECONDS; "
                    "give at least {}",
                    source_of(loaded, "RESERVATION_HOLD_SECONDS_MAX").text,
                    seats.hold_for_max.count(), seats.hold_for.count()));
}

void complain_about_database(const LoadedSettings& loaded, std::vector<std::string>& complaints) {
    const auto& database = loaded.values.database;
    const char* const setting = database.url.empty() ? "DB_HOST" : "DB_URL";
    const std::string where = fmt::format("{} ({}): ", setting, source_of(loaded, setting).text);
    const auto address = parse_database_address(database);
    if (!address) {
        complaints.push_back(where + address.error());
        return;
    }
    if (!*address) return;
    if (loaded.values.storage.ephemeral) {
        complaints.push_back(where +
                             "EPHEMERAL keeps nothing, a database keeps everything; leave "
                             "one of them out");
    }
    const bool open_way = (*address)->tls == mariadb::Tls::Off && !(*address)->on_this_machine();
    if (open_way && loaded.values.environment == Environment::Production &&
        database.tls != DatabaseTls::Off) {
        complaints.push_back(where + "payments would travel to " + (*address)->text() +
                             " unencrypted; in production use tls=verify or tls=required, or say "
                             "DB_TLS=off where the way is safe by other means");
    }
}

}  // namespace

const SettingSource& source_of(const LoadedSettings& loaded, std::string_view name) {
    return loaded.sources[index_of(name)];
}

void fill_dependent_defaults(LoadedSettings& loaded) {
    Settings& settings = loaded.values;
    const std::string environment(name_of(settings.environment));
    const bool production = settings.environment == Environment::Production;
    if (unset(loaded, "LOG_LEVEL")) {
        settings.log_level = production ? telemetry::Level::Info : telemetry::Level::Debug;
        note_reason(loaded, "LOG_LEVEL", environment);
    }
    if (unset(loaded, "LOG_FORMAT")) {
        settings.log_format = production ? telemetry::Format::Json : telemetry::Format::Console;
        note_reason(loaded, "LOG_FORMAT", environment);
    }
    if (unset(loaded, "WEBHOOK_ALLOW_PRIVATE")) {
        settings.webhooks.allow_private = !production;
        note_reason(loaded, "WEBHOOK_ALLOW_PRIVATE", environment);
    }
    if (unset(loaded, "MERCHANT_AUTH")) {
        settings.merchants.auth = production ? MerchantAuth::Keys : MerchantAuth::Open;
        note_reason(loaded, "MERCHANT_AUTH", environment);
    }
    if (unset(loaded, "DB_MIGRATE")) {
        settings.database.migrate = !production;
        note_reason(loaded, "DB_MIGRATE", environment);
    }
    if (unset(loaded, "PUBLIC_URL")) {
        const char* const scheme = settings.server.tls_cert_file.empty() ? "http" : "https";
        settings.server.public_url =
            fmt::format("{}://localhost:{}", scheme, settings.server.http_port);
        note_reason(loaded, "PUBLIC_URL", "this HTTP_PORT");
    }
    if (unset(loaded, "SIMULATOR_URL") && settings.server.grpc_port != 0 &&
        settings.roles.serve_grpc()) {
        const char* const scheme = settings.server.tls_cert_file.empty() ? "http" : "https";
        settings.merchants.simulator_url =
            fmt::format("{}://localhost:{}", scheme, settings.server.grpc_port);
        note_reason(loaded, "SIMULATOR_URL", "this GRPC_PORT");
    }
    if (unset(loaded, "RESERVATION_WORKER") && settings.aws.events) {
        settings.worker.local = false;
        note_reason(loaded, "RESERVATION_WORKER", "AWS_EVENTS");
    }
    // The template of .env.local names the usual one: who copied it has chosen none.
    settings.aws.profile_chosen =
        !settings.aws.profile.empty() && settings.aws.profile != Settings::Aws{}.profile;
    settings.worker.own_services =
        unset(loaded, "RESERVATION_API_BASE") && unset(loaded, "INVENTORY_GRPC_ADDR");
    auto& redis = settings.redis;
    if (redis.url.empty() && !redis.host.empty()) {
        const bool literal = redis.host.find(':') != std::string::npos && redis.host[0] != '[';
        redis.url = fmt::format(fmt::runtime(literal ? "redis://[{}]:{}/0" : "redis://{}:{}/0"),
                                redis.host, redis.port);
        note_reason(loaded, "REDIS_URL", "this REDIS_HOST");
    }
    // Zero never meant "at once": existing deployments set it for "the default".
    if (settings.payments.default_delay == Milliseconds(0)) {
        settings.payments.default_delay = Settings::Payments().default_delay;
    }
    if (unset(loaded, "DELAY_SCENARIO_MS")) {
        settings.payments.delay_scenario = settings.payments.default_delay;
        note_reason(loaded, "DELAY_SCENARIO_MS", "this DEFAULT_DELAY_MS");
    }
}

std::vector<std::string> broken_rules(const LoadedSettings& loaded) {
    std::vector<std::string> complaints;
    const Settings& settings = loaded.values;
    complain_about_ports(loaded, complaints);
    complain_about_secret(loaded, complaints);
    complain_about_database(loaded, complaints);
    complain_about_open_payments(loaded, complaints);
    complain_about_split(loaded, complaints);
    complain_about_inventory(loaded, complaints);
    complain_about_secret_manager(loaded, complaints);
    complain_about_kafka(loaded, complaints);
    complain_about_redis(loaded, complaints);
    complain_about_event_bus(loaded, complaints);
    complain_about_holds(loaded, complaints);
    if (settings.server.tls_cert_file.empty() != settings.server.tls_key_file.empty()) {
        const bool no_key = settings.server.tls_key_file.empty();
        complaints.push_back(
            no_key ? "TLS_KEY_FILE is missing: TLS_CERT_FILE is set; give both or none"
                   : "TLS_CERT_FILE is missing: TLS_KEY_FILE is set; give both or "
                     "none");
    }
    const auto to_simulator = [](const auto& assigned) { return assigned.second == "simulator"; };
    const bool simulator = settings.merchants.gateway == "simulator" ||
                           std::ranges::any_of(settings.merchants.gateways, to_simulator);
    if (simulator && settings.merchants.simulator_url.empty()) {
        complaints.push_back(
            "SIMULATOR_URL is missing: merchants use the simulator, and this process serves no "
            "gRPC "
            "on a port that is known; say where the simulator is, or give GRPC_PORT a number");
    }
    if (settings.merchants.recovery_after <= settings.merchants.gateway_timeout) {
        complaints.push_back("RECOVERY_AFTER_MS (" + source_of(loaded, "RECOVERY_AFTER_MS").text +
                             "): " + std::to_string(settings.merchants.recovery_after.count()) +
                             " is not more than GATEWAY_TIMEOUT_MS (" +
                             std::to_string(settings.merchants.gateway_timeout.count()) +
                             "): a worker would take over calls that are still under way");
    }
    if (settings.webhooks.backoff_max < settings.webhooks.backoff_base) {
        complaints.push_back("WEBHOOK_BACKOFF_MAX_MS (" +
                             source_of(loaded, "WEBHOOK_BACKOFF_MAX_MS").text +
                             "): " + std::to_string(settings.webhooks.backoff_max.count()) +
                             " is less than WEBHOOK_BACKOFF_BASE_MS; give at least " +
                             std::to_string(settings.webhooks.backoff_base.count()));
    }
    return complaints;
}

}  // namespace florin::app
