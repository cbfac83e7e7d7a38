#include "platform/http/testing.h"

#include <charconv>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "platform/base/faults.h"
#include "platform/base/require.h"

namespace florin::http::testing {
namespace {

sockaddr_in local_address(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

void limit_waits(int descriptor) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

awaitable<Response> small(Request) {
    co_return json(200, R"({"ok":true})");
}

awaitable<Response> echo(Request request) {
    co_return Response{.status = 200,
                       .content_type = std::string(request.headers.get("Content-Type")),
                       .body = std::move(request.body),
                       .headers = {}};
}

awaitable<Response> large(Request) {
    co_return json(200, "\"" + std::string(20'000, 'x') + "\"");
}

awaitable<Response> item(Request request) {
    co_return json(200, std::string(request.path_value("id")) + "?" +
                            std::string(request.query_value("q").value_or("")));
}

awaitable<Response> header(Request request) {
    Response response = json(200, "{}");
    response.headers.add("X-Value", std::string(request.query_value("value").value_or("")));
    co_return response;
}

awaitable<Response> fault(Request request) {
    const auto kind = request.path_value("kind");
    if (kind == "overloaded") throw Overloaded("the queue is full");
    if (kind == "unavailable") throw Unavailable("the disk is on fire");
    throw std::runtime_error("a secret detail");
    co_return Response{};
}

}  // namespace

RawSocket::RawSocket(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    limit_waits(descriptor_);
    const sockaddr_in address = local_address(port);
    const int connected =
        ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    require(connected == 0, "the server under test listens");
}

RawSocket RawSocket::adopt(int descriptor) {
    RawSocket socket;
    socket.descriptor_ = descriptor;
    limit_waits(descriptor);
    return socket;
}

RawSocket::~RawSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      read_ahead_(std::move(other.read_ahead_)) {}

bool RawSocket::send(std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string RawSocket::read_until(std::string_view end) {
    char part[4096];
    while (read_ahead_.find(end) == std::string::npos) {
        const auto size = ::recv(descriptor_, part, sizeof(part), 0);
        if (size <= 0) return std::exchange(read_ahead_, {});
        read_ahead_.append(part, static_cast<std::size_t>(size));
    }
    const auto stop = read_ahead_.find(end) + end.size();
    std::string text = read_ahead_.substr(0, stop);
    read_ahead_.erase(0, stop);
    return text;
}

std::string RawSocket::read_to_end() {
    return read_until("\x01 never sent \x01");
}

std::string RawSocket::read_message() {
    std::string text = read_until("\r\n\r\n");
    const auto field = text.find("Content-Length: ");
    if (field == std::string::npos) return text;
    std::size_t length = 0;
    std::from_chars(text.data() + field + 16, text.data() + text.size(), length);
    char part[4096];
    while (read_ahead_.size() < length) {
        const auto size = ::recv(descriptor_, part, sizeof(part), 0);
        if (size <= 0) break;
        read_ahead_.append(part, static_cast<std::size_t>(size));
    }
    text += read_ahead_.substr(0, length);
    read_ahead_.erase(0, length);
    return text;
}

void RawSocket::reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ::close(std::exchange(descriptor_, -1));
}

void RawSocket::shutdown_send() {
    ::shutdown(descriptor_, SHUT_WR);
}

RawServer::RawServer(Script script)
    : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)), script_(std::move(script)) {
    sockaddr_in address = local_address(0);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    const bool listening = ::bind(descriptor_, any, size) == 0 && ::listen(descriptor_, 64) == 0 &&
                           ::getsockname(descriptor_, any, &size) == 0;
    require(listening, "this machine has a free port");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
        for (int number = 0;; ++number) {
            const int accepted = ::accept(descriptor_, nullptr, nullptr);
            if (accepted < 0) return;
            scripts_.emplace_back(
                [this, accepted, number] { script_(RawSocket::adopt(accepted), number); });
        }
    });
}

RawServer::~RawServer() {
    ::shutdown(descriptor_, SHUT_RDWR);
    thread_.join();
    ::close(descriptor_);
    for (auto& script : scripts_) script.join();
}

TestServer::TestServer(ServerOptions options) {
    router_.add("GET", "/small", small);
    router_.add("POST", "/echo", echo);
    router_.add("GET", "/large", large);
    router_.add("GET", "/header", header);
    router_.add("GET", "/items/{id}", item);
    router_.add("GET", "/fault/{kind}", fault);
    router_.add("GET", "/hold", [this](Request request) { return hold(std::move(request)); });
    options.address = "127.0.0.1";
    server_ = std::make_unique<Server>(loop_, router_, std::move(options), metrics_);
    port_ = server_->listen();
    thread_ = std::thread([this] { loop_.run(); });
}

TestServer::~TestServer() {
    loop_.post([this] {
        server_.reset();
        loop_.stop();
    });
    thread_.join();
}

awaitable<Response> TestServer::hold(Request) {
    held_ = true;
    held_.notify_all();
    while (!released_) co_await runtime::sleep_for(std::chrono::milliseconds(1));
    co_return json(200, "\"released\"");
}

void TestServer::release() {
    released_ = true;
}

void TestServer::wait_until_held() {
    held_.wait(false);
}

void TestServer::drain(std::chrono::milliseconds deadline) {
    std::promise<void> drained;
    auto done = drained.get_future();
    runtime::spawn(loop_, "drain", drain_on_loop(deadline, std::move(drained)));
    done.wait();
}

awaitable<void> TestServer::drain_on_loop(std::chrono::milliseconds deadline,
                                          std::promise<void> drained) {
    co_await server_->drain(deadline);
    drained.set_value();
}

}  // namespace florin::http::testing
