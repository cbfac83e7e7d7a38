#include "loadgen/flows_client.h"

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>

#include "loadgen/flows_http.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

namespace florin::loadgen {
namespace {

using Time = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds sweep_interval{100};
constexpr std::size_t chunk_bytes = 16 * 1024;

/// One request and what became of it; lives in the frame of the coroutine that waits for it.
struct Exchange {
    std::string bytes;
    Time deadline;
    FlowClient::Result result = std::unexpected(FlowFault{});
    runtime::Completion done;
};

/// One connection, from its opening to its end. It always reads: the server may close it any time.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    /// What its user is told, at most once an exchange; after `broke`, nothing more.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void answered(Wire& wire, Exchange& exchange) = 0;
        /// `exchange` is the one under way, or nullptr.
        virtual void broke(Wire& wire, Exchange* exchange) = 0;
    };

    Wire(runtime::Loop& loop, Owner& owner) : owner_(owner), socket_(loop.context()) {}

    void connect(const Tcp::resolver::results_type& endpoints, Exchange& exchange) {
        exchange_ = &exchange;
        asio::async_connect(
            socket_, endpoints,
            [self = shared_from_this()](error_code failed, const Tcp::endpoint& /*to*/) {
                if (self->closed_) return;
                if (failed) return self->give_up({"cannot connect: " + failed.message(), true});
                self->socket_.set_option(Tcp::no_delay(true), failed);
                self->socket_.non_blocking(true, failed);
                self->read();
                self->send();
            });
    }

    void begin(Exchange& exchange) {
        exchange_ = &exchange;
        send();
    }

    [[nodiscard]] bool is_late(Time now) const {
        return exchange_ != nullptr && exchange_->deadline <= now;
    }

    void give_up(FlowFault fault) {
        if (closed_) return;
        close();
        Exchange* const exchange = std::exchange(exchange_, nullptr);
        if (exchange != nullptr) exchange->result = std::unexpected(std::move(fault));
        owner_.broke(*this, exchange);
    }

    /// Its owner is told nothing any more.
    void close() {
        closed_ = true;
        error_code ignored;
        socket_.close(ignored);
    }

private:
    // A small request fits into the socket's buffer: it leaves at once, without the reactor.
    void send() {
        error_code failed;
        const std::string& bytes = exchange_->bytes;
        const std::size_t size = socket_.write_some(asio::buffer(bytes), failed);
        if (failed && failed != asio::error::would_block)
            return give_up({"sending failed: " + failed.message()});
        if (size == bytes.size()) return;
        asio::async_write(socket_, asio::buffer(bytes) + size,
                          [self = shared_from_this()](error_code error, std::size_t) {
                              if (error) self->give_up({"sending failed: " + error.message()});
                          });
    }

    void read() {
        socket_.async_read_some(
            asio::buffer(chunk_), [self = shared_from_this()](error_code failed, std::size_t size) {
                if (self->closed_) return;
                if (failed)
                    return self->give_up({"the server ended the connection: " + failed.message()});
                self->input_.append(self->chunk_.data(), size);
                self->take_answer();
            });
    }

    void take_answer() {
        if (exchange_ == nullptr) return give_up({});  // nobody asked
        RawAnswer answer;
        const auto size = parse_answer(input_, answer);
        if (size == 0) return read();
        if (size < 0 || static_cast<std::size_t>(size) < input_.size())
            return give_up({"the answer is not one HTTP/1.1 answer with a Content-Length"});
        exchange_->result = FlowAnswer{answer.status, answer.replayed, std::string(answer.body)};
        const bool last = answer.last;
        input_.clear();
        Exchange* const exchange = std::exchange(exchange_, nullptr);
        if (last) {
            close();
            return owner_.broke(*this, exchange);
        }
        read();
        owner_.answered(*this, *exchange);
    }

    Owner& owner_;
    Tcp::socket socket_;
    Exchange* exchange_ = nullptr;  // under way
    bool closed_ = false;
    std::string input_;
    std::vector<char> chunk_ = std::vector<char>(chunk_bytes);
};

}  // namespace

class FlowClient::Impl : public Wire::Owner, public std::enable_shared_from_this<Impl> {
public:
    Impl(runtime::Loop& loop, const std::string& host, std::uint16_t port, std::size_t connections,
         std::chrono::milliseconds patience)
        : loop_(loop),
          connections_max_(connections),
          patience_(patience),
          host_(fmt::format("{}:{}", host, port)),
          timer_(loop.context()) {
        error_code failed;
        endpoints_ = Tcp::resolver(loop.context()).resolve(host, std::to_string(port), failed);
        if (failed)
            throw std::runtime_error(fmt::format("{} has no address: {}", host, failed.message()));
    }

    awaitable<Result> send(std::string first_lines, std::string body) {
        Exchange exchange;
        exchange.bytes = fmt::format("{}\r\nHost: {}\r\n", first_lines, host_);
        if (!body.empty()) {
            exchange.bytes += fmt::format(
                "Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
        }
        exchange.bytes += "\r\n";
        exchange.bytes += body;
        exchange.deadline = std::chrono::steady_clock::now() + patience_;
        co_await exchange.done.wait([this, &exchange] { start(exchange); });
        co_return std::move(exchange.result);
    }

    void answered(Wire& wire, Exchange& exchange) override {
        loop_.complete(&exchange.done);
        if (waiting_.empty()) return idle_.push_back(wire.shared_from_this());
        wire.begin(*take_waiting());
    }

    void broke(Wire& wire, Exchange* exchange) override {
        if (exchange != nullptr) loop_.complete(&exchange->done);
        const auto ended = wire.shared_from_this();
        std::erase(idle_, ended);
        std::erase(wires_, ended);
        if (!waiting_.empty()) open(*take_waiting());
    }

    void sweep_later() {
        timer_.expires_after(sweep_interval);
        timer_.async_wait([weak = weak_from_this()](error_code failed) {
            const auto self = weak.lock();
            if (failed || !self) return;
            self->sweep();
            self->sweep_later();
        });
    }

    void stop() {
        timer_.cancel();
        for (const auto& wire : wires_) wire->close();
        wires_.clear();
        idle_.clear();
    }

private:
    void start(Exchange& exchange) {
        if (!idle_.empty()) {
            const auto wire = std::move(idle_.back());
            idle_.pop_back();
            wire->begin(exchange);
        } else if (wires_.size() < connections_max_) {
            open(exchange);
        } else {
            waiting_.push_back(&exchange);
        }
    }

    void open(Exchange& exchange) {
        wires_.push_back(std::make_shared<Wire>(loop_, *this));
        wires_.back()->connect(endpoints_, exchange);
    }

    Exchange* take_waiting() {
        Exchange* const next = waiting_.front();
        waiting_.pop_front();
        return next;
    }

    void sweep() {
        const Time now = std::chrono::steady_clock::now();
        while (!waiting_.empty() && waiting_.front()->deadline <= now) {
            Exchange* const late = take_waiting();
            late->result = std::unexpected(FlowFault{"no connection became free in time", true});
            loop_.complete(&late->done);
        }
        const auto wires = wires_;  // giving up changes them
        for (const auto& wire : wires) {
            if (wire->is_late(now)) wire->give_up({"no answer in time"});
        }
    }

    runtime::Loop& loop_;
    const std::size_t connections_max_;
    const std::chrono::milliseconds patience_;
    const std::string host_;
    Tcp::resolver::results_type endpoints_;
    asio::steady_timer timer_;
    std::vector<std::shared_ptr<Wire>> wires_;  // all of them
    std::vector<std::shared_ptr<Wire>> idle_;   // the last used first
    std::deque<Exchange*> waiting_;
};

FlowClient::FlowClient(runtime::Loop& loop, const std::string& host, std::uint16_t port,
                       std::size_t connections, std::chrono::milliseconds patience)
    : impl_(std::make_shared<Impl>(loop, host, port, connections, patience)) {
    impl_->sweep_later();
}

FlowClient::~FlowClient() {
    impl_->stop();
}

awaitable<FlowClient::Result> FlowClient::post(FlowRequest request) {
    co_return co_await impl_->send(
        fmt::format("POST {} HTTP/1.1\r\nIdempotency-Key: {}", request.target, request.key),
        std::move(request.body));
}

awaitable<FlowClient::Result> FlowClient::get(std::string target) {
    co_return co_await impl_->send(fmt::format("GET {} HTTP/1.1", target), {});
}

}  // namespace florin::loadgen
