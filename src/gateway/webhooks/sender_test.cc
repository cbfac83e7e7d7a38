#include "gateway/webhooks/sender.h"

#include <deque>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "gateway/webhooks/signature.h"
#include "platform/base/manual_clock.h"
#include "platform/http/client.h"
#include "platform/runtime/result_of.h"
#include "platform/telemetry/trace.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;

namespace florin::gateway {
namespace {

constexpr const char* secret = "payment-sim-dev-secret";

/// How a receiver treats one connection's request.
struct Behaviour {
    enum class Kind : std::uint8_t { Answer, Reset, Hang, Drip };
    Kind kind = Kind::Answer;
    std::string text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
};

/// A receiver on a real socket; each request is treated as the next behaviour says.
class Receiver {
public:
    explicit Receiver(runtime::Loop& loop)
        : loop_(loop),
          acceptor_(loop.context(), Tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
        runtime::spawn(loop_, "receiver", accept());
    }

    [[nodiscard]] std::string url(const std::string& path = "/hook") const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
    }

    std::deque<Behaviour> behaviours;  // none left: 200
    std::vector<std::string> requests;

private:
    awaitable<void> accept() {
        while (true) {
            auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
            runtime::spawn(loop_, "connection", serve(std::move(socket)));
        }
    }

    awaitable<void> serve(Tcp::socket socket) {
        std::string input;
        while (co_await read_request(socket, input)) {
            Behaviour next;
            if (!behaviours.empty()) {
                next = behaviours.front();
                behaviours.pop_front();
            }
            if (!co_await treat(socket, next)) co_return;
        }
    }

    awaitable<bool> read_request(Tcp::socket& socket, std::string& input) {
        boost::system::error_code ended;
        const auto head =
            co_await asio::async_read_until(socket, asio::dynamic_buffer(input), "\r\n\r\n",
                                            asio::redirect_error(asio::use_awaitable, ended));
        if (ended) co_return false;
        const auto length_at = input.find("Content-Length: ");
        const std::size_t length = length_at < head ? std::stoul(input.substr(length_at + 16)) : 0;
        while (input.size() < head + length) {
            std::array<char, 1'024> more{};
            const auto size = co_await socket.async_read_some(
                asio::buffer(more), asio::redirect_error(asio::use_awaitable, ended));
            if (ended) co_return false;
            input.append(more.data(), size);
        }
        requests.push_back(input.substr(0, head + length));
        input.erase(0, head + length);
        co_return true;
    }

    /// False when the connection is over.
    awaitable<bool> treat(Tcp::socket& socket, const Behaviour& behaviour) {
        boost::system::error_code failed;
        switch (behaviour.kind) {
            case Behaviour::Kind::Answer:
                co_await asio::async_write(socket, asio::buffer(behaviour.text),
                                           asio::redirect_error(asio::use_awaitable, failed));
                co_return !failed;
            case Behaviour::Kind::Reset:
                socket.set_option(Tcp::socket::linger(true, 0));
                socket.close();
                co_return false;
            case Behaviour::Kind::Hang: {
                char nothing = 0;
                co_await socket.async_read_some(asio::buffer(&nothing, 1),
                                                asio::redirect_error(asio::use_awaitable, failed));
                co_return false;
            }
            case Behaviour::Kind::Drip:
                for (const char byte : behaviour.text) {
                    co_await asio::async_write(socket, asio::buffer(&byte, 1),
                                               asio::redirect_error(asio::use_awaitable, failed));
                    if (failed) co_return false;
                    co_await runtime::sleep_for(Milliseconds(20));
                }
                co_return true;
        }
        co_return false;
    }

    runtime::Loop& loop_;
    Tcp::acceptor acceptor_;
};

struct SenderTest : testing::Test {
    SendResult send(const std::string& url, int attempt = 1) {
        delivery.url = url;
        return runtime::result_of(loop, sender.send(delivery, attempt));
    }
    /// The value of a header of the last request.
    std::string header(const std::string& name) const {
        const auto& request = receiver.requests.back();
        const auto at = request.find("\r\n" + name + ": ");
        if (at == std::string::npos) return "";
        const auto from = at + name.size() + 4;
        return request.substr(from, request.find("\r\n", from) - from);
    }
    std::string body() const {
        const auto& request = receiver.requests.back();
        return request.substr(request.find("\r\n\r\n") + 4);
    }
    static Behaviour answer(const std::string& status, const std::string& headers = "") {
        return {Behaviour::Kind::Answer,
                "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: 0\r\n\r\n"};
    }

    ManualClock clock;
    runtime::Loop loop{"test"};
    Receiver receiver{loop};
    http::Client client{loop, {}};
    HttpWebhookSender sender{client, clock, secret, Milliseconds(60'000)};
    HttpWebhookSender hasty_sender{client, clock, secret, Milliseconds(300)};
    WebhookDelivery delivery = example();

private:
    static WebhookDelivery example() {
        WebhookDelivery made;
        made.id = *parse_uuid("01890000-0000-7000-8000-000000000001");
        made.intent = *parse_uuid("01890000-0000-7000-8000-000000000002");
        made.reservation_id = "rsv-1";
        made.payment_status = 3;
        made.amount = {50'000, Currency::krw()};
        made.trace_id = "0af7651916cd43dd8448eb211c80319c";
        return made;
    }
};

TEST_F(SenderTest, SendsTheContractsBodyAndHeaders) {
    const auto result = send(receiver.url("/hook?a=1"), 2);
    EXPECT_TRUE(result.delivered()) << result.error;
    EXPECT_TRUE(receiver.requests.back().starts_with("POST /hook?a=1 HTTP/1.1\r\n"));
    EXPECT_EQ(
        body(),
        R"({"payment_id":"pay-01890000-0000-7000-8000-000000000002","reservation_id":"rsv-1",)"
        R"("status":"PAYMENT_STATUS_COMPLETED","amount":50000,"currency":"KRW",)"
        R"("timestamp":1700000000,"event_type":"payment.status_updated"})");
    EXPECT_EQ(header("Content-Type"), "application/json");
    EXPECT_EQ(header("User-Agent"), "PaymentSim/1.0");
    EXPECT_TRUE(verify_webhook_signature(secret, body(), header("X-Webhook-Signature")));
    EXPECT_EQ(header("X-Webhook-Id"), delivery.id.text());
    EXPECT_EQ(header("X-Webhook-Attempt"), "2");
    EXPECT_EQ(header("webhook-id"), delivery.id.text());
    EXPECT_EQ(header("webhook-timestamp"), "1700000000");
    EXPECT_EQ(header("webhook-signature"),
              standard_webhook_signature(secret, delivery.id.text(), 1'700'000'000, body()));
    EXPECT_EQ(header("X-Webhook-Simulated"), "");
    EXPECT_EQ(header("X-Correlation-ID"), delivery.trace_id);
}

TEST_F(SenderTest, GoesOnWithTheTraceOfTheCallThatCreatedThePayment) {
    send(receiver.url());
    const std::string first = header("traceparent");
    EXPECT_EQ(telemetry::trace_id_of(first), delivery.trace_id) << first;
    send(receiver.url(), 2);
    EXPECT_EQ(telemetry::trace_id_of(header("traceparent")), delivery.trace_id);
    EXPECT_NE(header("traceparent"), first) << "each attempt is a span of its own";
    delivery.trace_id = "order-17";  // a caller's own X-Correlation-ID
    send(receiver.url());
    EXPECT_EQ(header("X-Correlation-ID"), "order-17");
    EXPECT_EQ(header("traceparent"), "");
}

TEST_F(SenderTest, StampsAndSignsEachAttemptAnew) {
    send(receiver.url());
    const std::string first = body();
    clock.advance(Seconds(600));
    delivery.simulated = true;
    send(receiver.url(), 2);
    EXPECT_NE(body(), first);
    EXPECT_NE(body().find("1700000600"), std::string::npos);
    EXPECT_TRUE(verify_webhook_signature(secret, body(), header("X-Webhook-Signature")));
    EXPECT_EQ(header("X-Webhook-Simulated"), "true");
}

TEST_F(SenderTest, LeavesTheSignaturesOutWithoutASecret) {
    HttpWebhookSender unsigned_sender(client, clock, "", Milliseconds(60'000));
    delivery.url = receiver.url();
    runtime::run_until_done(loop,
                            [](HttpWebhookSender& by, WebhookDelivery what) -> awaitable<void> {
                                co_await by.send(std::move(what), 1);
                            }(unsigned_sender, delivery));
    EXPECT_EQ(header("X-Webhook-Signature"), "");
    EXPECT_EQ(header("webhook-signature"), "");
    EXPECT_EQ(header("webhook-timestamp"), "1700000000");
}

TEST_F(SenderTest, ReportsWhatTheReceiverAnswered) {
    receiver.behaviours = {answer("500 Oops"), answer("503 Busy", "Retry-After: 7\r\n"),
                           answer("204 No Content")};
    const auto failed = send(receiver.url());
    EXPECT_EQ(failed.http_status, 500);
    EXPECT_EQ(failed.error, "the receiver answered 500");
    EXPECT_FALSE(failed.permanent);
    const auto busy = send(receiver.url());
    EXPECT_EQ(busy.http_status, 503);
    EXPECT_EQ(busy.retry_after, "7");
    EXPECT_TRUE(send(receiver.url()).delivered());
}

TEST_F(SenderTest, FollowsARedirectThatKeepsThePost) {
    receiver.behaviours = {answer("307 Moved", "Location: /new\r\n")};
    EXPECT_TRUE(send(receiver.url()).delivered());
    ASSERT_EQ(receiver.requests.size(), 2U);
    EXPECT_TRUE(receiver.requests.back().starts_with("POST /new HTTP/1.1\r\n"));
    EXPECT_FALSE(body().empty());
}

TEST_F(SenderTest, GivesUpOnReceiversThatHangResetOrAnswerByteByByte) {
    const auto ok = Behaviour{}.text;
    for (const auto& [what, behaviour] :
         {std::pair{"hang", Behaviour{Behaviour::Kind::Hang, ""}},
          std::pair{"reset", Behaviour{Behaviour::Kind::Reset, ""}},
          std::pair{"drip", Behaviour{Behaviour::Kind::Drip, ok}},
          std::pair{"nonsense", Behaviour{Behaviour::Kind::Answer, "what?\r\n\r\n"}}}) {
        SCOPED_TRACE(what);
        receiver.behaviours = {behaviour};
        delivery.url = receiver.url();
        const auto result = runtime::result_of(loop, hasty_sender.send(delivery, 1));
        EXPECT_EQ(result.http_status, 0);
        EXPECT_FALSE(result.error.empty());
        EXPECT_FALSE(result.permanent);
        EXPECT_EQ(client.connections(receiver.url("")), 0U);
    }
    EXPECT_TRUE(send(receiver.url()).delivered());
}

TEST_F(SenderTest, CallsWhatCannotEndOtherwisePermanent) {
    EXPECT_TRUE(send("ftp://receiver.test/hook").permanent);
    http::ClientOptions options;
    options.egress.public_only = true;
    http::Client guarded(loop, options);
    HttpWebhookSender guarded_sender(guarded, clock, secret, Milliseconds(60'000));
    delivery.url = receiver.url();
    SendResult result;
    runtime::run_until_done(
        loop, [](HttpWebhookSender& by, WebhookDelivery what, SendResult& into) -> awaitable<void> {
            into = co_await by.send(std::move(what), 1);
        }(guarded_sender, delivery, result));
    EXPECT_TRUE(result.permanent) << result.error;
    EXPECT_TRUE(receiver.requests.empty());
}

}  // namespace
}  // namespace florin::gateway
