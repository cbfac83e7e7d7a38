#include "platform/grpc/channel.h"

#include <algorithm>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "platform/grpc/client_connection.h"
#include "platform/grpc/framing.h"
#include "platform/http/tls.h"
#include "platform/runtime/loop.h"

namespace florin::grpc {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

std::string framed(std::string message) {
    message.insert(0, prefix_bytes, '\0');
    write_prefix(message, false);
    return message;
}

}  // namespace

class Channel::Impl final : public ClientConnection::Owner,
                            public std::enable_shared_from_this<Channel::Impl> {
public:
    Impl(runtime::Loop& loop, ChannelOptions options)
        : loop_(loop), options_(std::move(options)), timer_(loop.context()) {
        if (options_.tls) tls_ = http::client_tls(options_.tls->ca_file, "h2");
    }

    awaitable<Reply<std::string>> unary(std::shared_ptr<Impl> self, std::string path,
                                        std::string request, CallOptions options);
    void close();

    void ended(ClientCall& call) override;
    void closed(ClientConnection& connection, const std::string& reason) override;

private:
    awaitable<void> attempt(ClientCall& call, const std::string& path, const CallOptions& options,
                            SteadyTime until);
    ClientConnection& connection();
    void arm_timer();
    void expire();

    runtime::Loop& loop_;
    const ChannelOptions options_;
    http::TlsContext tls_;
    boost::asio::steady_timer timer_;
    SteadyTime armed_for_ = SteadyTime::max();
    ClientCall::Deadlines deadlines_;  // of all calls under way
    bool closed_ = false;
    // The last one takes new calls, if any does; those before it end the calls they carry.
    std::vector<std::shared_ptr<ClientConnection>> connections_;  // shared with their own waits
};

awaitable<Reply<std::string>> Channel::Impl::unary(std::shared_ptr<Impl> /*self*/, std::string path,
                                                   std::string request, CallOptions options) {
    if (deadlines_.size() >= options_.calls_max) {
        co_return std::unexpected(
            Status{Code::ResourceExhausted, "this client has too many calls under way"});
    }
    const SteadyTime until = std::chrono::steady_clock::now() + options.deadline;
    ClientCall first;
    first.request = framed(std::move(request));
    co_await attempt(first, path, options, until);
    if (!first.refused || closed_) co_return first.take_reply();
    ClientCall second;
    second.request = std::move(first.request);
    co_await attempt(second, path, options, until);
    co_return second.take_reply();
}

awaitable<void> Channel::Impl::attempt(ClientCall& call, const std::string& path,
                                       const CallOptions& options, SteadyTime until) {
    call.deadline = deadlines_.emplace(until, &call);
    arm_timer();
    return call.done.wait(
        [this, &call, &path, &options] { connection().start(call, path, options); });
}

ClientConnection& Channel::Impl::connection() {
    if (connections_.empty() || !connections_.back()->takes_calls()) {
        connections_.push_back(
            std::make_shared<ClientConnection>(loop_, options_, tls_.get(), *this));
        connections_.back()->open();
    }
    return *connections_.back();
}

void Channel::Impl::ended(ClientCall& call) {
    deadlines_.erase(call.deadline);
    loop_.complete(&call.done);
}

void Channel::Impl::closed(ClientConnection& connection, const std::string& reason) {
    std::vector<ClientCall*> carried;
    for (const auto& [at, call] : deadlines_) {
        if (call->connection.get() == &connection) carried.push_back(call);
    }
    for (ClientCall* const call : carried) {
        call->status = {Code::Unavailable, reason};
        ended(*call);
    }
    std::erase_if(connections_, [&](const auto& held) { return held.get() == &connection; });
}

void Channel::Impl::close() {
    closed_ = true;
    const auto connections = connections_;  // each takes itself off the list
    for (const auto& connection : connections) connection->close("the client was closed");
}

void Channel::Impl::arm_timer() {
    if (deadlines_.empty() || deadlines_.begin()->first >= armed_for_) return;
    armed_for_ = deadlines_.begin()->first;
    timer_.expires_at(armed_for_);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& replaced) {
        const auto self = weak.lock();
        if (self == nullptr || replaced) return;
        self->armed_for_ = SteadyTime::max();
        self->expire();
        self->arm_timer();
    });
}

void Channel::Impl::expire() {
    const SteadyTime now = std::chrono::steady_clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        ClientCall& call = *deadlines_.begin()->second;
        call.connection->cancel(call);
        call.status = {Code::DeadlineExceeded, "no answer from " + options_.host + ":" +
                                                   std::to_string(options_.port) + " in time"};
        ended(call);
    }
}

Channel::Channel(runtime::Loop& loop, ChannelOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Channel::~Channel() {
    impl_->close();
}

awaitable<Reply<std::string>> Channel::unary(std::string_view path, std::string request,
                                             CallOptions options) {
    return impl_->unary(impl_, std::string(path), std::move(request), std::move(options));
}

}  // namespace florin::grpc
