#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/roles.h"
#include "gateway/payment_intent.h"
#include "platform/base/time.h"
#include "platform/kafka/topic_names.h"
#include "platform/telemetry/log.h"

namespace florin::app {

enum class Environment : std::uint8_t { Development, Staging, Production };

/// Who may use the payments API: everybody, or who brings a key of the merchant.
enum class MerchantAuth : std::uint8_t { Open, Keys };

/// How connections to the database are protected: as its address says, or whatever it says.
enum class DatabaseTls : std::uint8_t { Auto, Off, Required, Verify };

/// Who carries events to Kafka: Florin itself, or Debezium from a table that Florin fills.
enum class OutboxRelay : std::uint8_t { Florin, Debezium };

/// Where consumer groups read events: in the own log, or in the topics that it is carried to.
enum class EventLog : std::uint8_t { Local, Kafka };

/// What the operator chose, checked and complete: values that depend on others (the log format, the
/// public address) are filled in. `setting_table()` says what each one means and allows.
struct Settings {
    struct Server {
        std::uint16_t grpc_port = 8030;    // 0: any free port
        std::uint16_t health_port = 8031;  // 0: any free port
        std::uint16_t http_port = 8080;    // 0: any free port
        std::string bind_address = "0.0.0.0";
        std::string public_url;     // base of payment_url, without a slash at its end
        std::string tls_cert_file;  // both of the TLS files or none
        std::string tls_key_file;
        std::string admin_token;  // empty in production: the admin API refuses
        std::uint32_t loops = 0;  // event loops that serve calls; 0: one for two cores
        std::uint32_t connections_max = 4'096;
        Milliseconds shutdown_timeout{30'000};
    };
    struct Storage {
        std::filesystem::path data_dir = "./data";
        bool ephemeral = false;
        std::chrono::hours retention{168};              // 0: everything is kept
        std::chrono::hours dead_letter_retention{720};  // from when they are done with; 0: kept
    };
    /// A MariaDB that several processes may share; without `url` and `host` there is none, and the
    /// database is a file in `data_dir`.
    struct Database {
        std::string url;
        std::string host;
        std::uint16_t port = 3306;
        std::string name = "florin";
        std::string username = "florin";
        std::string password;
        DatabaseTls tls = DatabaseTls::Auto;
        std::string ca_file;
        bool migrate = true;  // `florin serve` brings the schema up to date by itself
    };
    struct Payments {
        gateway::Scenario default_scenario = gateway::Scenario::Approve;
        Milliseconds default_delay{2'000};
        Milliseconds delay_scenario{2'000};  // the DELAY scenario's own
        std::optional<std::uint64_t> random_seed;
        double random_approve_rate = 0.5;
        Milliseconds intent_ttl{900'000};
        Milliseconds idempotency_ttl{86'400'000};
    };
    struct Webhooks {
        std::string secret = "payment-sim-dev-secret";  // empty: unsigned
        Milliseconds timeout{30'000};
        std::uint32_t attempts_max = 8;
        Milliseconds backoff_base{1'000};
        Milliseconds backoff_max{60'000};
        std::uint32_t concurrency_per_host = 32;
        bool allow_private = true;
        std::vector<std::string> allowed_hosts;  // hosts and CIDR blocks
        std::string ca_file;
    };
    /// Of the merchant API.
    struct Merchants {
        MerchantAuth auth = MerchantAuth::Open;
        std::chrono::hours key_grace{24};      // of a key that is replaced
        std::int64_t authorize_capacity = 20;  // a window; 0 or less: no limit
        Seconds authorize_window{60};
        std::int64_t capture_capacity = 40;
        Seconds capture_window{60};
        std::int64_t refund_capacity = 20;
        Seconds refund_window{60};
        Seconds answers_kept{600};  // 0 or less: for ever
        std::int64_t fee_basis_points = 0;
        std::string gateway = "rules";  // of merchants that `gateways` does not name
        std::vector<std::pair<std::string, std::string>> gateways;  // merchant and gateway
        std::string simulator_url;                                  // empty: this process
        std::string simulator_ca_file;
        Milliseconds gateway_timeout{3'000};
        Milliseconds twin_patience{5'000};
        Milliseconds recovery_after{10'000};
        std::uint32_t recovery_attempts_max = 10;
        Milliseconds recovery_backoff_base{1'000};
        Milliseconds recovery_backoff_max{60'000};
    };
    /// Of the circuit breaker that stands before each gateway.
    struct CircuitBreaker {
        std::uint32_t failure_percent = 50;
        std::uint32_t slow_percent = 50;
        Milliseconds slow_call{2'000};
        Milliseconds open_wait{60'000};
        std::uint32_t half_open_calls = 5;
        std::uint32_t calls_min = 10;
    };
    /// Of the daily statements of merchants.
    struct Settlement {
        bool enabled = true;
        std::chrono::minutes utc_offset{540};  // of the business days' midnight
        std::chrono::minutes at{30};           // after it
    };
    /// Of EventBridge and SQS.
    struct Aws {
        bool events = false;
        std::string profile = "tacos";
        bool profile_chosen = false;  // somebody has named it
        std::string region = "ap-northeast-2";
        std::string event_bus_name = "ticket-reservation-events";
        std::string event_source = "payment-sim-api";
        std::string queue_url;
        std::string dead_letter_queue_url;
        std::string endpoint_url;
        std::string access_key_id;
        std::string secret_access_key;
        std::string session_token;
    };

    /// Where events go.
    struct Kafka {
        std::string bootstrap_servers;  // empty: Florin itself sends nothing there
        std::string client_id = "florin";
        OutboxRelay relay = OutboxRelay::Florin;
        kafka::TopicPreset topic_preset = kafka::TopicPreset::Florin;
        std::string topics_file;        // empty: the preset's names
        std::string properties_file;    // empty: no more properties; may hold passwords
        std::string properties;         // the same by commas; may hold passwords
        std::string security_protocol;  // this and the next ones empty: the library's own
        std::string sasl_mechanism;
        std::string sasl_username;
        std::string sasl_password;
        std::string ssl_ca_location;
        std::string ssl_certificate_location;
        std::string ssl_key_location;
        std::string ssl_key_password;
        std::string ssl_endpoint_identification_algorithm;
        bool create_topics = true;
        std::uint32_t partitions = 6;    // of topics that are created
        std::uint32_t replication = 0;   // likewise; 0: the brokers' default
        std::string dead_letter_suffix;  // empty: the preset's
        std::string dead_letter_topic;   // one for all; empty: the preset's
        EventLog event_log = EventLog::Local;
        std::string group_prefix = "florin.";
        std::chrono::hours handled_kept{336};  // notes of messages that were handled
    };

    /// What instances share besides the database.
    struct Redis {
        std::string url;  // empty: nothing is shared; holds a password
        std::string host;
        std::uint16_t port = 6379;
        std::string ca_file;
        Milliseconds timeout{50};  // for one command; then it is done without
    };

    /// Of the reservation worker, in the service or on its own.
    struct Worker {
        bool local = true;               // the service itself deals with outcomes
        bool own_services = true;        // with its own reservations: no others were named
        std::uint16_t http_port = 8040;  // 0: any free port
        std::uint16_t grpc_port = 8041;  // 0: any free port
        std::string reservation_api = "http://reservation-api:8010";
        Milliseconds reservation_timeout{30'000};
        std::string inventory = "inventory-svc:8021";
        Milliseconds inventory_timeout{250};
        std::string token;  // shown to both; empty: none
        std::uint32_t concurrency = 20;
        Seconds poll_wait{20};
        Seconds visibility{60};
        std::uint32_t attempts_max = 5;
        Milliseconds backoff_base{1'000};
        bool secret_manager = false;  // wanted, where there is none
    };

    /// Of the reservation service.
    struct Seats {
        Seconds hold_for{300};  // of holds that name no time
        Seconds hold_for_max{3'600};
    };

    Environment environment = Environment::Development;
    Roles roles = Roles::all();
    telemetry::Level log_level = telemetry::Level::Debug;
    telemetry::Format log_format = telemetry::Format::Console;
    Server server;
    Storage storage;
    Database database;
    Payments payments;
    Webhooks webhooks;
    Merchants merchants;
    CircuitBreaker circuit_breaker;
    Settlement settlement;
    Aws aws;
    Kafka kafka;
    Redis redis;
    Worker worker;
    Seats seats;
};

/// "development" …
std::string_view name_of(Environment environment);

}  // namespace florin::app
