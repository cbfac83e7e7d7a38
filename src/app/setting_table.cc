#include "app/setting_table.h"

#include <algorithm>

#include "app/kafka_settings.h"
#include "app/merchant_settings.h"
#include "app/reservation_settings.h"
#include "app/setting_values.h"
#include "platform/base/ascii.h"
#include "platform/redis/url.h"

namespace florin::app {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

// The member a setting lives in, of a const or a mutable Settings.
#define FLORIN_SETTING(member) ([](auto& s) -> auto& { return s.member; })

void add_process_settings(std::vector<Setting>& table) {
    const std::string group = "Process";
    table.push_back(
        choice({"ENVIRONMENT", group, "What this instance is for; production is strict"},
               FLORIN_SETTING(environment),
               {{"development", Environment::Development},
                {"staging", Environment::Staging},
                {"production", Environment::Production}}));
    table.push_back(role_list({"FLORIN_ROLE", group,
                               "What this process does: all, or api, gateway, worker, relay by "
                               "commas, or reservation-worker"},
                              FLORIN_SETTING(roles)));
    table.push_back(choice({"LOG_LEVEL", group,
                            "Least important lines to write (default: info in production, else "
                            "debug)"},
                           FLORIN_SETTING(log_level),
                           {{"debug", telemetry::Level::Debug},
                            {"info", telemetry::Level::Info},
                            {"warn", telemetry::Level::Warning},
                            {"warning", telemetry::Level::Warning},
                            {"error", telemetry::Level::Error}}));
    table.push_back(
        choice({"LOG_FORMAT", group, "Form of the log (default: json in production, else console)"},
               FLORIN_SETTING(log_format),
               {{"console", telemetry::Format::Console}, {"json", telemetry::Format::Json}}));
    table.push_back(
        whole_number({"LOOPS", group, "Event loops that serve calls; 0: one for two cores"},
                     FLORIN_SETTING(server.loops), 0, 256));
    table.push_back(whole_number(
        {"SHUTDOWN_TIMEOUT_MS", group, "How long a stop waits for requests and webhooks under way"},
        FLORIN_SETTING(server.shutdown_timeout), 0, hour_ms));
}

void add_server_settings(std::vector<Setting>& table) {
    const std::string group = "Addresses";
    const auto port = [&](const char* name, const char* help, auto member) {
        auto setting = whole_number({name, group, help}, member, 0, 65'535);
        setting.allowed = "a port from 1 to 65535, or 0 for any free one";
        table.push_back(std::move(setting));
    };
    port("GRPC_PORT", "Port of the gRPC service", FLORIN_SETTING(server.grpc_port));
    port("HEALTH_PORT", "Port of /health, /ready and /metrics", FLORIN_SETTING(server.health_port));
    port("HTTP_PORT", "Port of the payment page and the admin API",
         FLORIN_SETTING(server.http_port));
    table.push_back(address({"BIND_ADDRESS", group, "Address to listen on"},
                            FLORIN_SETTING(server.bind_address)));
    table.push_back(web_address({"PUBLIC_URL", group,
                                 "Base of payment_url, as customers reach it (default: "
                                 "http://localhost:HTTP_PORT)"},
                                FLORIN_SETTING(server.public_url)));
    table.push_back(whole_number({"MAX_CONNECTIONS", group, "Connections a port accepts at once"},
                                 FLORIN_SETTING(server.connections_max), 1, 1'000'000));
    table.push_back(
        text({"TLS_CERT_FILE", group, "PEM certificate chain; with it the ports speak TLS"},
             FLORIN_SETTING(server.tls_cert_file)));
    table.push_back(text({"TLS_KEY_FILE", group, "PEM private key of TLS_CERT_FILE"},
                         FLORIN_SETTING(server.tls_key_file)));
    auto token = text({"ADMIN_TOKEN", group,
                       "Bearer token of /api/gateway; without one the API is open in development "
                       "and staging and closed in production"},
                      FLORIN_SETTING(server.admin_token));
    token.secret = true;
    table.push_back(std::move(token));
}

void add_storage_settings(std::vector<Setting>& table) {
    const std::string group = "Storage";
    table.push_back(
        path({"DATA_DIR", group, "Folder of the database"}, FLORIN_SETTING(storage.data_dir)));
    table.push_back(yes_or_no({"EPHEMERAL", group, "Keep everything in memory, nothing on disk"},
                              FLORIN_SETTING(storage.ephemeral)));
    table.push_back(
        whole_number({"RETENTION_HOURS", group, "How long finished payments are kept; 0: for ever"},
                     FLORIN_SETTING(storage.retention), 0, 87'600));
    table.push_back(whole_number(
        {"DEAD_LETTER_RETENTION_HOURS", group,
         "How long dead letters are kept once they are handled or discarded; 0: for ever"},
        FLORIN_SETTING(storage.dead_letter_retention), 0, 87'600));
}

void add_database_settings(std::vector<Setting>& table) {
    const std::string group = "MariaDB";
    const auto add = [&](const char* name, const char* help, auto member) -> Setting& {
        table.push_back(text({name, group, help}, member));
        return table.back();
    };
    add("DB_URL", "mariadb://user:password@host:3306/florin?tls=verify; empty: SQLite in DATA_DIR",
        FLORIN_SETTING(database.url))
        .secret = true;
    add("DB_HOST", "The same in parts: the host; empty: SQLite in DATA_DIR",
        FLORIN_SETTING(database.host))
        .aliases = {"PAYMENT_DB_HOST"};
    table.push_back(
        whole_number({"DB_PORT", group, "With DB_HOST"}, FLORIN_SETTING(database.port), 1, 65'535));
    table.back().aliases = {"PAYMENT_DB_PORT"};
    add("DB_NAME", "With DB_HOST: the database", FLORIN_SETTING(database.name)).aliases = {
        "PAYMENT_DB_NAME"};
    add("DB_USERNAME", "With DB_HOST: the user", FLORIN_SETTING(database.username)).aliases = {
        "DB_USER", "PAYMENT_DB_USER"};
    auto& password = add("DB_PASSWORD", "With DB_HOST, or a DB_URL without one",
                         FLORIN_SETTING(database.password));
    password.aliases = {"PAYMENT_DB_PASSWORD"};
    password.secret = true;
    table.push_back(choice({"DB_TLS", group,
                            "off, required (encrypted), verify (and the certificate checked), or "
                            "auto: as DB_URL says, else required to other machines"},
                           FLORIN_SETTING(database.tls),
                           {{"auto", DatabaseTls::Auto},
                            {"off", DatabaseTls::Off},
                            {"required", DatabaseTls::Required},
                            {"verify", DatabaseTls::Verify}}));
    add("DB_CA_FILE", "PEM file of the roots that DB_TLS=verify trusts (default: the system's)",
        FLORIN_SETTING(database.ca_file));
    table.push_back(yes_or_no({"DB_MIGRATE", group,
                               "florin serve brings the schema up to date by itself; false: it "
                               "refuses a database that lacks migrations (default: false in "
                               "production, else true)"},
                              FLORIN_SETTING(database.migrate)));
}

void add_payment_settings(std::vector<Setting>& table) {
    const std::string group = "Payments";
    table.push_back(scenario({"DEFAULT_SCENARIO", group, "Scenario of payments that name none"},
                             FLORIN_SETTING(payments.default_scenario)));
    table.push_back(whole_number(
        {"DEFAULT_DELAY_MS", group, "Time from a payment's request to its outcome; 0: 2000"},
        FLORIN_SETTING(payments.default_delay), 0, 7 * day_ms));
    table.push_back(whole_number(
        {"DELAY_SCENARIO_MS", group, "The same for the DELAY scenario (default: DEFAULT_DELAY_MS)"},
        FLORIN_SETTING(payments.delay_scenario), 0, 7 * day_ms));
    table.push_back(
        optional_number({"RANDOM_SEED", group,
                         "Makes the RANDOM scenario repeatable (default: a new seed each run)"},
                        FLORIN_SETTING(payments.random_seed)));
    table.push_back(fraction({"RANDOM_APPROVE_RATE", group, "Share of RANDOM payments approved"},
                             FLORIN_SETTING(payments.random_approve_rate)));
    table.push_back(whole_number({"INTENT_TTL_MS", group, "Age at which an open payment expires"},
                                 FLORIN_SETTING(payments.intent_ttl), 1'000, 30 * day_ms));
    table.push_back(whole_number({"IDEMPOTENCY_TTL_MS", group, "How long a key answers the same"},
                                 FLORIN_SETTING(payments.idempotency_ttl), 1'000, 30 * day_ms));
}

void add_webhook_settings(std::vector<Setting>& table) {
    const std::string group = "Webhooks";
    auto secret = text({"WEBHOOK_SECRET", group,
                        "Key of the signatures; empty: unsigned. Production wants 16 characters "
                        "and not the default"},
                       FLORIN_SETTING(webhooks.secret));
    secret.secret = true;
    table.push_back(std::move(secret));
    table.push_back(whole_number({"WEBHOOK_TIMEOUT_MS", group, "Time for one attempt"},
                                 FLORIN_SETTING(webhooks.timeout), 100, 300'000));
    table.push_back(
        whole_number({"WEBHOOK_MAX_ATTEMPTS", group, "Attempts before the dead letters"},
                     FLORIN_SETTING(webhooks.attempts_max), 1, 100));
    table.push_back(whole_number({"WEBHOOK_BACKOFF_BASE_MS", group, "First wait between attempts"},
                                 FLORIN_SETTING(webhooks.backoff_base), 1, hour_ms));
    table.push_back(whole_number({"WEBHOOK_BACKOFF_MAX_MS", group, "Longest wait between attempts"},
                                 FLORIN_SETTING(webhooks.backoff_max), 1, day_ms));
    table.push_back(
        whole_number({"WEBHOOK_CONCURRENCY_PER_HOST", group, "Attempts under way to one receiver"},
                     FLORIN_SETTING(webhooks.concurrency_per_host), 1, 10'000));
    table.push_back(yes_or_no({"WEBHOOK_ALLOW_PRIVATE", group,
                               "Deliver to private and loopback addresses (default: false in "
                               "production, else true)"},
                              FLORIN_SETTING(webhooks.allow_private)));
    table.push_back(host_list({"WEBHOOK_ALLOWED_HOSTS", group,
                               "Hosts and CIDR blocks that are allowed even so, by commas"},
                              FLORIN_SETTING(webhooks.allowed_hosts)));
    table.push_back(text({"WEBHOOK_CA_FILE", group, "PEM file of extra roots that webhooks trust"},
                         FLORIN_SETTING(webhooks.ca_file)));
}

/// Enough of a key's id to know it by.
std::string masked_key(const std::string& id) {
    constexpr std::size_t shown = 4;  // of either end
    if (id.empty()) return id;
    const bool is_long = id.size() >= 4 * shown;
    return is_long ? id.substr(0, shown) + "********" + id.substr(id.size() - shown) : "********";
}

void add_aws_settings(std::vector<Setting>& table) {
    const std::string group = "AWS events";
    table.push_back(yes_or_no(
        {"AWS_EVENTS", group, "Send the outcomes of payments to EventBridge (default: false)"},
        FLORIN_SETTING(aws.events)));
    const auto add = [&](const char* name, const char* help, auto member) -> Setting& {
        table.push_back(text({name, group, help}, member));
        return table.back();
    };
    add("AWS_PROFILE", "Profile of the credentials file (default: tacos, else default)",
        FLORIN_SETTING(aws.profile));
    add("AWS_REGION", "Region of the event bus and the queues", FLORIN_SETTING(aws.region))
        .aliases = {"AWS_DEFAULT_REGION"};
    add("EVENT_BUS_NAME", "Event bus to publish to", FLORIN_SETTING(aws.event_bus_name));
    add("PAYMENT_EVENT_SOURCE", "Source of the events", FLORIN_SETTING(aws.event_source));
    add("PAYMENT_WEBHOOK_QUEUE_URL", "Queue the worker reads", FLORIN_SETTING(aws.queue_url))
        .aliases = {"SQS_QUEUE_URL"};
    add("PAYMENT_WEBHOOK_DLQ_URL", "Queue of what the worker gives up on",
        FLORIN_SETTING(aws.dead_letter_queue_url));
    add("AWS_ENDPOINT_URL", "Another endpoint, such as a local stand-in",
        FLORIN_SETTING(aws.endpoint_url));
    auto& key = add(
        "AWS_ACCESS_KEY_ID",
        "Access key (default: from the profile, the web identity, the container or the instance)",
        FLORIN_SETTING(aws.access_key_id));
    key.has_secret = true;
    key.show = [](const Settings& settings) { return masked_key(settings.aws.access_key_id); };
    add("AWS_SECRET_ACCESS_KEY", "Secret of the access key", FLORIN_SETTING(aws.secret_access_key))
        .secret = true;
    add("AWS_SESSION_TOKEN", "Session token of temporary keys", FLORIN_SETTING(aws.session_token))
        .secret = true;
}

void add_redis_settings(std::vector<Setting>& table) {
    const std::string group = "Redis";
    auto url = text({"REDIS_URL", group,
                     "redis://[user:password@]host:port/db: rate limits and answers that all "
                     "instances share; empty: each counts for itself"},
                    FLORIN_SETTING(redis.url));
    url.has_secret = true;
    url.show = [](const Settings& settings) {
        if (settings.redis.url.empty()) return std::string();
        const auto address = redis::parse_redis_url(settings.redis.url);
        return address ? address->shown() : "********";
    };
    table.push_back(std::move(url));
    table.push_back(text({"REDIS_HOST", group, "Its host, when REDIS_URL is not set"},
                         FLORIN_SETTING(redis.host)));
    table.push_back(whole_number({"REDIS_PORT", group, "Its port, with REDIS_HOST"},
                                 FLORIN_SETTING(redis.port), 1, 65'535));
    table.push_back(text({"REDIS_CA_FILE", group, "PEM file of extra roots that rediss:// trusts"},
                         FLORIN_SETTING(redis.ca_file)));
    table.push_back(whole_number(
        {"REDIS_TIMEOUT_MS", group, "How long a request waits for it before it goes on without"},
        FLORIN_SETTING(redis.timeout), 1, 10'000));
}

#undef FLORIN_SETTING

std::vector<Setting> make_table() {
    std::vector<Setting> table;
    add_process_settings(table);
    add_server_settings(table);
    add_storage_settings(table);
    add_database_settings(table);
    add_payment_settings(table);
    add_webhook_settings(table);
    add_merchant_settings(table);
    add_aws_settings(table);
    add_kafka_settings(table);
    add_redis_settings(table);
    add_reservation_settings(table);
    return table;
}

}  // namespace

// A variable of the environment says whose it is; our own flags and files need not.
std::string Setting::key() const {
    constexpr std::string_view ours = "FLORIN_";
    return lower(name.starts_with(ours) ? name.substr(ours.size()) : name);
}

std::string Setting::flag() const {
    std::string words = key();
    std::ranges::replace(words, '_', '-');
    return "--" + words;
}

const std::vector<Setting>& setting_table() {
    static const std::vector<Setting> table = make_table();
    return table;
}

}  // namespace florin::app
