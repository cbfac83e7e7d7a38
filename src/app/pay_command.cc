#include <chrono>
#include <cstdio>

#include <fmt/format.h>

#include "app/tools.h"
#include "gateway/payment_intent.h"
#include "gateway/webhooks/signature.h"
#include "loadgen/receiver.h"
#include "platform/grpc/channel.h"
#include "platform/runtime/loop.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::app {
namespace {

namespace pb = payment::v1;
using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds poll{50};

/// Follows one payment; all on one loop.
class Pay {
public:
    Pay(runtime::Loop& loop, const PayOptions& options)
        : options_(options),
          channel_(loop, {.host = options.host, .port = options.port}),
          receiver_(loop, [this](const loadgen::ArrivedWebhook& webhook) { arrived(webhook); }) {}

    awaitable<void> run() {
        pb::CreatePaymentIntentRequest request = make_request();
        start_ = std::chrono::steady_clock::now();
        const auto created = co_await channel_.call<pb::CreatePaymentIntentResponse>(
            "/payment.v1.PaymentService/CreatePaymentIntent", request, {});
        if (!created) {
            explain(created.error());
            co_return;
        }
        line("created", pb::PaymentStatus_Name(created->status()));
        fmt::print("             {}\n             watch it at {}\n", created->payment_intent_id(),
                   created->payment_url());
        co_await follow(created->payment_intent_id());
        if (ok_) fmt::print("\nThe same with grpcurl:\n  {}\n", grpcurl());
    }

    [[nodiscard]] bool ok() const { return ok_; }

private:
    pb::CreatePaymentIntentRequest make_request() {
        pb::CreatePaymentIntentRequest request;
        request.set_reservation_id(options_.reservation);
        request.set_user_id(options_.user);
        request.mutable_amount()->set_amount(options_.amount);
        request.mutable_amount()->set_currency(options_.currency);
        const auto scenario = gateway::parse_scenario(options_.scenario);
        if (!scenario)
            throw std::runtime_error("--scenario is \"" + options_.scenario +
                                     "\"; it takes approve, fail, delay, random or timeout");
        request.set_scenario(static_cast<pb::PaymentScenario>(*scenario));
        if (options_.delay_ms >= 0) {
            (*request.mutable_metadata()->mutable_tags())["delay_ms"] =
                std::to_string(options_.delay_ms);
        }
        own_receiver_ = options_.webhook_url.empty();
        request.set_webhook_url(
            own_receiver_ ? "http://127.0.0.1:" + std::to_string(receiver_.listen()) + "/webhook"
                          : options_.webhook_url);
        return request;
    }

    awaitable<void> follow(std::string id) {
        pb::GetPaymentStatusRequest request;
        request.set_payment_intent_id(id);
        pb::PaymentStatus last = pb::PAYMENT_STATUS_PENDING;
        const Time give_up = start_ + options_.timeout;
        while (std::chrono::steady_clock::now() < give_up) {
            const auto now = co_await channel_.call<pb::GetPaymentStatusResponse>(
                "/payment.v1.PaymentService/GetPaymentStatus", request, {});
            if (!now) {
                explain(now.error());
                co_return;
            }
            const auto status = now->payment().status();
            if (status != last)
                line("status",
                     pb::PaymentStatus_Name(status) + "  " + now->payment().transaction_id());
            last = status;
            const bool decided =
                status != pb::PAYMENT_STATUS_PENDING && status != pb::PAYMENT_STATUS_PROCESSING;
            const bool notifies =
                status == pb::PAYMENT_STATUS_COMPLETED || status == pb::PAYMENT_STATUS_FAILED;
            if (decided && (!own_receiver_ || !notifies || !told_.empty())) {
                ok_ = told_.empty() || (told_ == pb::PaymentStatus_Name(status) && signature_ok_);
                co_return;
            }
            co_await runtime::sleep_for(poll);
        }
        fmt::print(stderr, "florin: no outcome within {} s; the payment page tells more\n",
                   options_.timeout.count());
    }

    void arrived(const loadgen::ArrivedWebhook& webhook) {
        const std::string body(webhook.body);
        constexpr std::string_view key = R"("status":")";
        const auto at = body.find(key);
        if (at != std::string::npos)
            told_ = body.substr(at + key.size(), body.find('"', at + key.size()) - at - key.size());
        signature_ok_ = options_.secret.empty() ||
                        gateway::verify_webhook_signature(options_.secret, body, webhook.signature);
        line("webhook",
             fmt::format("attempt {}  signature {}", webhook.attempt,
                         options_.secret.empty() ? "not checked"
                         : signature_ok_
                             ? "ok"
                             : "WRONG: the server signs with another WEBHOOK_SECRET (--secret)"));
        fmt::print("             {}\n", body);
    }

    void line(const char* what, const std::string& text) const {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start_);
        fmt::print("{:>6} ms  {:<8} {}\n", ms.count(), what, text);
        std::fflush(stdout);
    }

    void explain(const grpc::Status& status) const {
        if (status.code == grpc::Code::Unavailable) {
            fmt::print(stderr,
                       "florin: nothing answers at {}:{} ({}); start it with `make run` or `florin "
                       "serve`\n",
                       options_.host, options_.port, status.message);
        } else {
            fmt::print(stderr, "florin: {}: {}\n", grpc::name_of(status.code), status.message);
        }
    }

    [[nodiscard]] std::string grpcurl() const {
        return fmt::format(
            R"(grpcurl -plaintext -d '{{"reservation_id":"{}","user_id":"{}","amount":{{"amount":{},"currency":"{}"}},"scenario":"{}"}}' {}:{} payment.v1.PaymentService/CreatePaymentIntent)",
            options_.reservation, options_.user, options_.amount, options_.currency,
            options_.scenario, options_.host, options_.port);
    }

    const PayOptions& options_;
    grpc::Channel channel_;
    loadgen::Receiver receiver_;
    bool own_receiver_ = true;
    bool signature_ok_ = false;
    bool ok_ = false;
    std::string told_;  // the status the webhook told
    Time start_;
};

}  // namespace

int run_pay(const PayOptions& options) {
    runtime::Loop loop("pay");
    Pay pay(loop, options);
    runtime::run_until_done(loop, pay.run());
    return pay.ok() ? 0 : 1;
}

}  // namespace florin::app
