#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "loadgen/flows.h"
#include "loadgen/life.h"

/// The commands that stand beside a server: clients and receivers for people.
namespace florin::app {

struct PayOptions {
    std::string host = "localhost";
    std::uint16_t port = 8030;
    std::int64_t amount = 50'000;
    std::string currency = "KRW";
    std::string scenario = "approve";
    std::string user = "user-1";
    std::string reservation = "order-1";
    std::string webhook_url;  // empty: a receiver of its own
    std::string secret;       // to verify the webhook with
    int delay_ms = -1;        // negative: the server's
    std::chrono::seconds timeout{60};
};

/// Creates a payment and follows it in the terminal to its outcome and its webhook. 0: they agree.
int run_pay(const PayOptions& options);

struct BenchOptions {
    loadgen::LifeOptions lives;
    std::string scenarios = "approve:1";  // "approve:80,fail:20"
    bool json = false;
};

/// Runs the load generator and prints its report. 0: no payment failed, was lost, doubled or wrong.
int run_bench(BenchOptions options);

struct PaymentsBenchOptions {
    loadgen::FlowOptions flows;
    bool json = false;
};

/// The same for merchant payments over HTTP. 0: every flow was completed, and all that was
/// acknowledged is there, once, as acknowledged.
int run_payments_bench(const PaymentsBenchOptions& options);

struct VerifyOptions {
    std::string body_file;  // empty or "-": standard input
    std::string signature;  // X-Webhook-Signature, or webhook-signature with the two below
    std::string id;         // webhook-id
    std::string timestamp;  // webhook-timestamp
    std::string secret;
    std::optional<std::int64_t> at_s;  // the receiver's clock, Unix seconds; nothing: now
};

/// Says whether a webhook's signature and age are right, and if not, why. 0: both are.
int run_webhook_verify(const VerifyOptions& options);

struct ListenOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 9000;
    std::string secret;
    unsigned status = 200;    // what it answers
    int delay_ms = 0;         // before it answers
    unsigned fail_first = 0;  // attempts of each webhook answered 500 before that
};

/// A receiver that prints and verifies what arrives, until Ctrl-C.
int run_webhook_listen(const ListenOptions& options);

}  // namespace florin::app
