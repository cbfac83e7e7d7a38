#include "loadgen/receiver.h"

#include <charconv>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "platform/base/ascii.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

namespace florin::loadgen {
namespace {

constexpr std::size_t request_bytes_max = 64 * 1024;
constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

}  // namespace

std::ptrdiff_t parse_request(std::string_view input, ArrivedWebhook& webhook) {
    const auto head_end = input.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return input.size() > request_bytes_max ? -1 : 0;
    std::string_view head = input.substr(0, head_end);
    std::size_t length = 0;
    for (auto line_end = head.find("\r\n"); line_end != std::string_view::npos;
         line_end = head.find("\r\n")) {
        head.remove_prefix(line_end + 2);
        const auto line = head.substr(0, head.find("\r\n"));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return -1;
        const auto name = line.substr(0, colon);
        const auto value = trimmed(line.substr(colon + 1));
        if (equal_ignoring_case(name, "content-length")) {
            const auto [stop, error] =
                std::from_chars(value.data(), value.data() + value.size(), length);
            if (error != std::errc{} || stop != value.data() + value.size()) return -1;
        } else if (equal_ignoring_case(name, "x-webhook-signature")) {
            webhook.signature = value;
        } else if (equal_ignoring_case(name, "x-webhook-id")) {
            webhook.id = value;
        } else if (equal_ignoring_case(name, "x-webhook-attempt")) {
            webhook.attempt = value;
        }
    }
    if (length > request_bytes_max) return -1;
    const std::size_t total = head_end + 4 + length;
    if (input.size() < total) return 0;
    webhook.body = input.substr(head_end + 4, length);
    return static_cast<std::ptrdiff_t>(total);
}

class Receiver::Impl : public std::enable_shared_from_this<Receiver::Impl> {
public:
    Impl(runtime::Loop& loop, OnWebhook on_webhook)
        : on_webhook_(std::move(on_webhook)), acceptor_(loop.context()) {}

    std::uint16_t listen() {
        const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
        acceptor_.open(endpoint.protocol());
        acceptor_.bind(endpoint);
        acceptor_.listen();
        accept();
        return acceptor_.local_endpoint().port();
    }
    void stop() {
        error_code ignored;
        acceptor_.close(ignored);
    }

    void arrived(const ArrivedWebhook& webhook) { on_webhook_(webhook); }

private:
    void accept();

    OnWebhook on_webhook_;
    Tcp::acceptor acceptor_;
};

namespace {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<Receiver::Impl> receiver, Tcp::socket socket)
        : receiver_(std::move(receiver)), socket_(std::move(socket)), chunk_(16 * 1024) {}

    void read() {
        socket_.async_read_some(asio::buffer(chunk_),
                                [self = shared_from_this()](error_code failed, std::size_t size) {
                                    if (failed) return;
                                    self->input_.append(self->chunk_.data(), size);
                                    self->take_requests();
                                });
    }

private:
    void take_requests() {
        std::size_t taken = 0;
        output_.clear();
        while (taken < input_.size()) {
            ArrivedWebhook webhook;
            const auto size = parse_request(std::string_view(input_).substr(taken), webhook);
            if (size < 0) return;  // closes the connection
            if (size == 0) break;
            receiver_->arrived(webhook);
            taken += static_cast<std::size_t>(size);
            output_ += answer;
        }
        input_.erase(0, taken);
        if (output_.empty()) return read();
        asio::async_write(socket_, asio::buffer(output_),
                          [self = shared_from_this()](error_code failed, std::size_t) {
                              if (!failed) self->read();
                          });
    }

    std::shared_ptr<Receiver::Impl> receiver_;
    Tcp::socket socket_;
    std::vector<char> chunk_;
    std::string input_;
    std::string output_;
};

}  // namespace

void Receiver::Impl::accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code failed, Tcp::socket socket) {
        if (failed) return;
        socket.set_option(Tcp::no_delay(true), failed);
        std::make_shared<Connection>(self, std::move(socket))->read();
        self->accept();
    });
}

Receiver::Receiver(runtime::Loop& loop, OnWebhook on_webhook)
    : impl_(std::make_shared<Impl>(loop, std::move(on_webhook))) {}

Receiver::~Receiver() {
    impl_->stop();
}

std::uint16_t Receiver::listen() {
    return impl_->listen();
}

}  // namespace florin::loadgen
