#include "app/merchant_settings.h"

#include "app/setting_values.h"

namespace florin::app {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;
constexpr std::int64_t day_ms = 24 * hour_ms;

const char* const payments_group = "Merchant payments";

// The member a setting lives in, of a const or a mutable Settings.
#define FLORIN_SETTING(member) ([](auto& s) -> auto& { return s.member; })

void add_key_settings(std::vector<Setting>& table) {
    table.push_back(choice({"MERCHANT_AUTH", payments_group,
                            "open: no keys asked; keys: each request brings an API key of its "
                            "merchant (default: keys in production, else open)"},
                           FLORIN_SETTING(merchants.auth),
                           {{"open", MerchantAuth::Open}, {"keys", MerchantAuth::Keys}}));
    table.push_back(whole_number({"MERCHANT_KEY_GRACE_HOURS", payments_group,
                                  "How long an API key that was rotated stays good"},
                                 FLORIN_SETTING(merchants.key_grace), 0, 720));
}

void add_limit_settings(std::vector<Setting>& table) {
    table.push_back(
        signed_number({"APP_RATE_LIMIT_AUTHORIZE_CAPACITY", payments_group,
                       "Authorizations a merchant may ask for in a window; 0 or less: no limit"},
                      FLORIN_SETTING(merchants.authorize_capacity)));
    table.push_back(signed_number({"APP_RATE_LIMIT_AUTHORIZE_WINDOW_SECONDS", payments_group,
                                   "That window; 0 or less: no limit"},
                                  FLORIN_SETTING(merchants.authorize_window)));
    table.push_back(signed_number({"APP_RATE_LIMIT_CAPTURE_CAPACITY", payments_group,
                                   "Captures and voids a merchant may ask for in a window"},
                                  FLORIN_SETTING(merchants.capture_capacity)));
    table.push_back(signed_number(
        {"APP_RATE_LIMIT_CAPTURE_WINDOW_SECONDS", payments_group, "The window of captures"},
        FLORIN_SETTING(merchants.capture_window)));
    table.push_back(signed_number({"APP_RATE_LIMIT_REFUND_CAPACITY", payments_group,
                                   "Refunds a merchant may ask for in a window"},
                                  FLORIN_SETTING(merchants.refund_capacity)));
    table.push_back(signed_number(
        {"APP_RATE_LIMIT_REFUND_WINDOW_SECONDS", payments_group, "The window of refunds"},
        FLORIN_SETTING(merchants.refund_window)));
    table.push_back(
        signed_number({"APP_IDEMPOTENCY_CACHE_TTL_SECONDS", payments_group,
                       "How long a key answers the same; 0 or less: for ever. A key is never free "
                       "again"},
                      FLORIN_SETTING(merchants.answers_kept)));
}

void add_gateway_settings(std::vector<Setting>& table) {
    table.push_back(whole_number(
        {"MERCHANT_FEE_BASIS_POINTS", payments_group,
         "Our share of a capture, in hundredths of a percent; a payment keeps that of its "
         "authorization"},
        FLORIN_SETTING(merchants.fee_basis_points), 0, 10'000));
    table.push_back(choice({"MERCHANT_GATEWAY", payments_group,
                            "Who takes the money: rules decides in process, simulator is asked "
                            "over gRPC"},
                           FLORIN_SETTING(merchants.gateway),
                           {{"rules", "rules"}, {"simulator", "simulator"}}));
    table.push_back(gateway_list(
        {"MERCHANT_GATEWAYS", payments_group, "Merchants with a gateway of their own, by commas"},
        FLORIN_SETTING(merchants.gateways)));
    table.push_back(web_address({"SIMULATOR_URL", payments_group,
                                 "Where the simulator serves gRPC (default: this process); https: "
                                 "with TLS"},
                                FLORIN_SETTING(merchants.simulator_url)));
    table.push_back(
        text({"SIMULATOR_CA_FILE", payments_group, "PEM file of extra roots it is trusted by"},
             FLORIN_SETTING(merchants.simulator_ca_file)));
    table.push_back(whole_number(
        {"GATEWAY_TIMEOUT_MS", payments_group, "How long a request waits for its gateway"},
        FLORIN_SETTING(merchants.gateway_timeout), 10, 60'000));
    table.push_back(whole_number({"IDEMPOTENCY_PATIENCE_MS", payments_group,
                                  "How long a request waits for the answer of its twin"},
                                 FLORIN_SETTING(merchants.twin_patience), 0, 60'000));
}

void add_recovery_settings(std::vector<Setting>& table) {
    table.push_back(whole_number({"RECOVERY_AFTER_MS", payments_group,
                                  "When a worker takes over what a gateway left unanswered; more "
                                  "than GATEWAY_TIMEOUT_MS"},
                                 FLORIN_SETTING(merchants.recovery_after), 100, hour_ms));
    table.push_back(whole_number(
        {"RECOVERY_MAX_ATTEMPTS", payments_group, "Attempts of the worker before the dead letters"},
        FLORIN_SETTING(merchants.recovery_attempts_max), 1, 100));
    table.push_back(whole_number(
        {"RECOVERY_BACKOFF_BASE_MS", payments_group, "First wait between its attempts"},
        FLORIN_SETTING(merchants.recovery_backoff_base), 1, hour_ms));
    table.push_back(whole_number(
        {"RECOVERY_BACKOFF_MAX_MS", payments_group, "Longest wait between its attempts"},
        FLORIN_SETTING(merchants.recovery_backoff_max), 1, day_ms));
}

void add_circuit_breaker_settings(std::vector<Setting>& table) {
    const std::string group = "Circuit breaker of each gateway";
    table.push_back(whole_number(
        {"GATEWAY_CB_FAILURE_THRESHOLD", group, "Percentage of failed calls that opens it"},
        FLORIN_SETTING(circuit_breaker.failure_percent), 1, 100));
    table.push_back(
        whole_number({"GATEWAY_CB_SLOW_CALL_RATE", group, "Percentage of slow calls that opens it"},
                     FLORIN_SETTING(circuit_breaker.slow_percent), 1, 100));
    table.push_back(whole_number(
        {"GATEWAY_CB_SLOW_CALL_THRESHOLD", group, "Milliseconds that make a call slow"},
        FLORIN_SETTING(circuit_breaker.slow_call), 1, hour_ms));
    table.push_back(whole_number(
        {"GATEWAY_CB_WAIT_DURATION", group, "Milliseconds it stays open before it tries again"},
        FLORIN_SETTING(circuit_breaker.open_wait), 1, hour_ms));
    table.push_back(
        whole_number({"GATEWAY_CB_HALF_OPEN_CALLS", group, "Calls that try whether it may close"},
                     FLORIN_SETTING(circuit_breaker.half_open_calls), 1, 1'000));
    table.push_back(
        whole_number({"GATEWAY_CB_MIN_CALLS", group, "Calls before percentages mean anything"},
                     FLORIN_SETTING(circuit_breaker.calls_min), 1, 100));
}

void add_settlement_settings(std::vector<Setting>& table) {
    const std::string group = "Settlement of merchants";
    table.push_back(yes_or_no(
        {"SETTLEMENT_ENABLED", group, "Settle every business day; else only `florin settle` does"},
        FLORIN_SETTING(settlement.enabled)));
    table.push_back(utc_offset({"SETTLEMENT_UTC_OFFSET_MINUTES", group,
                                "Where business days begin: the local time's distance from UTC"},
                               FLORIN_SETTING(settlement.utc_offset)));
    table.push_back(
        time_of_day({"SETTLEMENT_AT", group, "Local time at which the day before is settled"},
                    FLORIN_SETTING(settlement.at)));
}

#undef FLORIN_SETTING

}  // namespace

void add_merchant_settings(std::vector<Setting>& table) {
    add_key_settings(table);
    add_limit_settings(table);
    add_gateway_settings(table);
    add_recovery_settings(table);
    add_circuit_breaker_settings(table);
    add_settlement_settings(table);
}

}  // namespace florin::app
