#include "app/reservation_settings.h"

#include "app/setting_values.h"

namespace florin::app {
namespace {

constexpr std::int64_t hour_ms = 3'600'000;

// The member a setting lives in, of a const or a mutable Settings.
#define FLORIN_SETTING(member) ([](auto& s) -> auto& { return s.member; })

void add_worker_settings(std::vector<Setting>& table) {
    const std::string group = "Reservation worker";
    table.push_back(yes_or_no({"RESERVATION_WORKER", group,
                               "Confirm or release reservations as their payments end, here "
                               "(default: true, unless AWS_EVENTS is: then who reads its queue "
                               "does)"},
                              FLORIN_SETTING(worker.local)));
    table.push_back(
        whole_number({"SERVER_PORT", group, "Port of the worker's /health, /ready and /metrics"},
                     FLORIN_SETTING(worker.http_port), 0, 65'535));
    table.push_back(
        whole_number({"GRPC_DEBUG_PORT", group, "Port of the worker's gRPC health and reflection"},
                     FLORIN_SETTING(worker.grpc_port), 0, 65'535));
    table.push_back(
        web_address({"RESERVATION_API_BASE", group,
                     "Address of the reservation API; unset, the service calls its own"},
                    FLORIN_SETTING(worker.reservation_api)));
    table.push_back(whole_number({"RESERVATION_API_TIMEOUT_MS", group, "Time for one of its calls"},
                                 FLORIN_SETTING(worker.reservation_timeout), 10, 300'000));
    table.push_back(text({"INVENTORY_GRPC_ADDR", group,
                          "host:port of the inventory; unset, the service calls its own"},
                         FLORIN_SETTING(worker.inventory)));
    table.push_back(whole_number({"INVENTORY_TIMEOUT_MS", group, "Time for one of its calls"},
                                 FLORIN_SETTING(worker.inventory_timeout), 10, 300'000));
    auto token = text({"RESERVATION_API_TOKEN", group,
                       "Bearer token for both, such as the ADMIN_TOKEN of who serves them"},
                      FLORIN_SETTING(worker.token));
    token.secret = true;
    table.push_back(std::move(token));
    table.push_back(whole_number({"WORKER_CONCURRENCY", group, "Messages handled at once"},
                                 FLORIN_SETTING(worker.concurrency), 1, 1'000));
    table.push_back(whole_number({"SQS_WAIT_TIME", group, "Seconds a poll waits for a message"},
                                 FLORIN_SETTING(worker.poll_wait), 0, 20));
    table.push_back(whole_number({"SQS_VISIBILITY_TIMEOUT", group,
                                  "Seconds a message is ours; renewed while it is being handled"},
                                 FLORIN_SETTING(worker.visibility), 10, 43'200));
    table.push_back(
        whole_number({"MAX_RETRIES", group,
                      "Attempts before the dead letters; of a queue, when PAYMENT_WEBHOOK_DLQ_URL "
                      "is set"},
                     FLORIN_SETTING(worker.attempts_max), 1, 1'000));
    table.push_back(whole_number(
        {"BACKOFF_BASE_MS", group, "Half the first wait between attempts; it doubles to 16 times"},
        FLORIN_SETTING(worker.backoff_base), 1, hour_ms));
    table.push_back(yes_or_no({"USE_SECRET_MANAGER", group,
                               "Refused by the worker unless it is false: values come from the "
                               "environment or from files"},
                              FLORIN_SETTING(worker.secret_manager)));
}

void add_seat_settings(std::vector<Setting>& table) {
    const std::string group = "Reservations";
    table.push_back(whole_number(
        {"RESERVATION_HOLD_SECONDS", group, "How long seats are held for who names no time"},
        FLORIN_SETTING(seats.hold_for), 1, 86'400));
    table.push_back(whole_number(
        {"RESERVATION_HOLD_SECONDS_MAX", group, "The longest time a client may hold seats"},
        FLORIN_SETTING(seats.hold_for_max), 1, 86'400));
}

#undef FLORIN_SETTING

}  // namespace

void add_reservation_settings(std::vector<Setting>& table) {
    add_worker_settings(table);
    add_seat_settings(table);
}

}  // namespace florin::app
