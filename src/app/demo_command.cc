#include "app/demo_command.h"

#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/command_line.h"
#include "app/demo_server.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/grpc/channel.h"
#include "platform/runtime/loop.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::app {
namespace {

namespace json = boost::json;
namespace pb = payment::v1;
using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds poll{20};
constexpr std::int64_t seats = 10;

std::string text_of(const json::object& object, std::string_view name) {
    return std::string(object.at(name).as_string());
}

/// Tells three stories over one event; on one loop. What does not come about is thrown.
class ReservationDemo {
public:
    ReservationDemo(runtime::Loop& loop, const DemoOptions& options, const AdminServer& server)
        : options_(options),
          client_(loop, server),
          payments_(loop, {.host = options.grpc_host, .port = options.grpc_port}),
          ids_(clock_, seed_from_system()),
          event_("demo-" + ids_.next().text()) {}

    awaitable<void> run() {
        start_ = std::chrono::steady_clock::now();
        const json::object request{{"id", event_}, {"seats", seats}};
        object_of(co_await client_.ask("POST", "/api/events", json::serialize(request)));
        line("event", fmt::format("{} with {} seats", event_, seats));

        title("1. A reservation that is paid for");
        const auto paid = co_await hold({"1", "2"}, {});
        co_await expect_seats(8, 2, 0);
        co_await pay(paid, pb::PAYMENT_SCENARIO_APPROVE);
        co_await wait_for(paid, "CONFIRMED");
        co_await expect_seats(8, 0, 2);

        title("2. A reservation whose payment fails");
        const auto declined = co_await hold({"3", "4"}, {});
        co_await pay(declined, pb::PAYMENT_SCENARIO_FAIL);
        co_await wait_for(declined, "CANCELLED");
        co_await expect_seats(8, 0, 2);

        title("3. A reservation that nobody pays for");
        const auto forgotten = co_await hold({"3"}, options_.hold);
        co_await wait_for(forgotten, "EXPIRED");
        co_await expect_seats(8, 0, 2);
    }

private:
    awaitable<std::string> hold(std::vector<std::string> chosen,
                                std::optional<std::chrono::seconds> time) {
        json::object request{{"event_id", event_},
                             {"user_id", "user-1"},
                             {"seat_ids", json::array(chosen.begin(), chosen.end())},
                             {"total_price", price * static_cast<std::int64_t>(chosen.size())},
                             {"currency", "KRW"}};
        if (time) request["expires_in_seconds"] = time->count();
        const auto held =
            object_of(co_await client_.ask("POST", "/api/reservations", json::serialize(request)));
        const std::string id = text_of(held, "reservation_id");
        line(text_of(held, "status"),
             fmt::format("{}  seats {}  until {}", id, fmt::join(chosen, ", "),
                         text_of(held, "hold_expires_at")));
        co_return id;
    }

    awaitable<void> pay(std::string reservation, pb::PaymentScenario scenario) {
        pb::CreatePaymentIntentRequest request;
        request.set_reservation_id(reservation);
        request.set_user_id("user-1");
        request.mutable_amount()->set_amount(2 * price);
        request.mutable_amount()->set_currency("KRW");
        request.set_scenario(scenario);
        (*request.mutable_metadata()->mutable_tags())["delay_ms"] =
            std::to_string(options_.payment_delay.count());
        const auto created = co_await payments_.call<pb::CreatePaymentIntentResponse>(
            "/payment.v1.PaymentService/CreatePaymentIntent", request, {});
        if (!created) {
            throw std::runtime_error(fmt::format("CreatePaymentIntent at {}:{}: {}",
                                                 options_.grpc_host, options_.grpc_port,
                                                 created.error().message));
        }
        line("payment", created->payment_intent_id() + "  " +
                            pb::PaymentStatus_Name(created->status()) + ", its outcome is due in " +
                            std::to_string(options_.payment_delay.count()) + " ms");
        co_await wait_for_outcome(created->payment_intent_id());
    }

    awaitable<void> wait_for_outcome(std::string payment) {
        pb::GetPaymentStatusRequest request;
        request.set_payment_intent_id(payment);
        const Time give_up = std::chrono::steady_clock::now() + options_.timeout;
        for (;;) {
            const auto now = co_await payments_.call<pb::GetPaymentStatusResponse>(
                "/payment.v1.PaymentService/GetPaymentStatus", request, {});
            if (!now) throw std::runtime_error("GetPaymentStatus: " + now.error().message);
            const auto status = now->payment().status();
            if (status != pb::PAYMENT_STATUS_PENDING && status != pb::PAYMENT_STATUS_PROCESSING) {
                line("payment", payment + "  " + pb::PaymentStatus_Name(status));
                co_return;
            }
            if (std::chrono::steady_clock::now() > give_up)
                throw std::runtime_error("payment " + payment + " is still undecided");
            co_await runtime::sleep_for(poll);
        }
    }

    awaitable<void> wait_for(std::string reservation, std::string wanted) {
        const Time began = std::chrono::steady_clock::now();
        for (;;) {
            const auto now =
                object_of(co_await client_.ask("GET", "/api/reservations/" + reservation));
            const std::string status = text_of(now, "status");
            if (status == wanted) {
                line(status, order_of(now, reservation));
                co_return;
            }
            const bool late = std::chrono::steady_clock::now() > began + options_.timeout;
            if (status != "HOLD" || late) {
                throw std::runtime_error(fmt::format(
                    "reservation {} is {} and not {}{}", reservation, status, wanted,
                    late ? "; the reservation worker may not run here, or its log says why" : ""));
            }
            co_await runtime::sleep_for(poll);
        }
    }

    static std::string order_of(const json::object& reservation, const std::string& id) {
        const auto& order = reservation.at("order_id");
        return order.is_null() ? id : id + "  order " + std::string(order.as_string());
    }

    awaitable<void> expect_seats(std::int64_t available, std::int64_t reserved, std::int64_t sold) {
        const auto event = object_of(co_await client_.ask("GET", "/api/events/" + event_));
        const auto count = [&event](const char* name) {
            return event.at(name).to_number<std::int64_t>();
        };
        const std::string text = fmt::format("{} available, {} reserved, {} sold",
                                             count("available"), count("reserved"), count("sold"));
        const std::string wanted =
            fmt::format("{} available, {} reserved, {} sold", available, reserved, sold);
        if (text != wanted)
            throw std::runtime_error("the seats are " + text + " and not " + wanted);
        line("seats", text);
    }

    static void title(const char* text) { fmt::print("\n{}\n", text); }

    void line(std::string_view what, const std::string& text) const {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
        fmt::print("{:>6} ms  {:<10} {}\n", ms.count(), what, text);
        std::fflush(stdout);
    }

    static constexpr std::int64_t price = 50'000;

    const DemoOptions& options_;
    AdminClient client_;
    grpc::Channel payments_;
    SystemClock clock_;
    UuidGenerator ids_;
    const std::string event_;
    Time start_;
};

int show(const DemoOptions& options, const AdminServer& server) {
    runtime::Loop loop("demo");
    ReservationDemo demo(loop, options, server);
    try {
        runtime::run_until_done(loop, demo.run());
    } catch (const std::exception& failure) {
        fmt::print(stderr, "florin: the demo stops here: {}\n", failure.what());
        return exit_failure;
    }
    fmt::print("\nEvery step came about.\n");
    return exit_ok;
}

}  // namespace

int run_reservation_demo(const DemoOptions& options) {
    if (options.server) return show(options, *options.server);
    const DemoServer server;
    DemoOptions own = options;
    own.grpc_host = "127.0.0.1";
    own.grpc_port = server.grpc_port();
    AdminServer address;
    address.url = fmt::format("http://127.0.0.1:{}", server.http_port());
    fmt::print("A server of its own, in memory: {} and gRPC on {}\n\n", address.url, own.grpc_port);
    return show(own, address);
}

}  // namespace florin::app
