#include "platform/grpc/channel.h"

#include <charconv>
#include <cstring>
#include <map>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <nghttp2/nghttp2.h>

#include "platform/base/require.h"
#include "platform/grpc/framing.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace florin::grpc {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::int32_t window_bytes = 4 * 1024 * 1024;

nghttp2_nv header(std::string_view name, std::string_view value) {
    // nghttp2 copies both; its pointers predate const.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

/// One call; it lives in its caller's frame.
struct PendingCall {
    runtime::Completion done;
    std::string request;  // with its prefix
    std::size_t sent = 0;
    std::string received;
    Status status{Code::Unknown, "the server ended the call without a status"};
    bool has_status = false;
    bool finished = false;
    std::int32_t stream = -1;
    std::multimap<SteadyTime, PendingCall*>::iterator deadline;
};

}  // namespace

class Channel::Impl : public std::enable_shared_from_this<Channel::Impl> {
public:
    Impl(runtime::Loop& loop, ChannelOptions options)
        : loop_(loop),
          options_(std::move(options)),
          resolver_(loop.context()),
          socket_(loop.context()),
          timer_(loop.context()) {
        authority_ = options_.host + ":" + std::to_string(options_.port);
    }
    ~Impl() { nghttp2_session_del(session_); }

    awaitable<Reply<std::string>> unary(std::shared_ptr<Impl> self, std::string path,
                                        std::string request, CallOptions options);
    void close(const std::string& reason);

private:
    friend struct ChannelCallbacks;

    void start(PendingCall& call, const std::string& path, const CallOptions& options);
    void connect();
    void connected();
    void open_session();
    void read();
    void flush();
    void flush_soon();
    void finish(PendingCall& call);
    void arm_timer();
    void expire();

    struct Unsent {
        PendingCall* call;
        std::string path;
        CallOptions options;
    };

    runtime::Loop& loop_;
    const ChannelOptions options_;
    std::string authority_;
    Tcp::resolver resolver_;
    Tcp::socket socket_;
    asio::steady_timer timer_;
    nghttp2_session* session_ = nullptr;
    bool connecting_ = false;
    bool writing_ = false;
    bool flush_posted_ = false;
    bool timer_armed_ = false;
    std::uint64_t connection_ = 0;  // counts connections: what belongs to an old one is ignored
    std::vector<Unsent> unsent_;    // wait for the connection
    std::multimap<SteadyTime, PendingCall*> deadlines_;  // of all calls under way
    std::vector<char> input_ = std::vector<char>(buffer_bytes);
    std::string output_;
};

struct ChannelCallbacks {
    static PendingCall* call(nghttp2_session* session, std::int32_t stream) {
        return static_cast<PendingCall*>(nghttp2_session_get_stream_user_data(session, stream));
    }
    static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                         const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                         std::size_t value_size, std::uint8_t, void*) {
        auto* const pending = call(session, frame->hd.stream_id);
        if (pending == nullptr) return 0;
        const std::string_view field(reinterpret_cast<const char*>(name), name_size);
        const std::string_view text(reinterpret_cast<const char*>(value), value_size);
        if (field == "grpc-status") {
            int code = static_cast<int>(Code::Unknown);
            std::from_chars(text.data(), text.data() + text.size(), code);
            pending->status.code =
                code >= 0 && code <= 16 ? static_cast<Code>(code) : Code::Unknown;
            if (!pending->has_status) pending->status.message.clear();
            pending->has_status = true;
        } else if (field == "grpc-message") {
            pending->status.message = percent_decode(text);
            pending->has_status = true;
        } else if (field == ":status" && text != "200") {
            pending->status = {Code::Unavailable, "the server answered HTTP " + std::string(text)};
        }
        return 0;
    }
    static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                       const std::uint8_t* data, std::size_t size, void* user) {
        auto* const pending = call(session, stream);
        if (pending == nullptr) return 0;
        pending->received.append(reinterpret_cast<const char*>(data), size);
        if (pending->received.size() >
            static_cast<Channel::Impl*>(user)->options_.message_bytes_max + prefix_bytes) {
            pending->status = {Code::ResourceExhausted,
                               "the answer is larger than this client takes"};
            pending->has_status = true;
            nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
        }
        return 0;
    }
    static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t error,
                        void* user) {
        auto* const pending = call(session, stream);
        if (pending == nullptr) return 0;
        if (!pending->has_status && error == NGHTTP2_REFUSED_STREAM) {
            pending->status = {Code::Unavailable, "the server refused the call before it began"};
        }
        static_cast<Channel::Impl*>(user)->finish(*pending);
        return 0;
    }
    static ssize_t read_request(nghttp2_session*, std::int32_t, std::uint8_t* buffer,
                                std::size_t length, std::uint32_t* flags,
                                nghttp2_data_source* source, void*) {
        auto& pending = *static_cast<PendingCall*>(source->ptr);
        const std::size_t size = std::min(length, pending.request.size() - pending.sent);
        std::memcpy(buffer, pending.request.data() + pending.sent, size);
        pending.sent += size;
        if (pending.sent == pending.request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }
};

awaitable<Reply<std::string>> Channel::Impl::unary(std::shared_ptr<Impl> /*self*/, std::string path,
                                                   std::string request, CallOptions options) {
    if (deadlines_.size() >= options_.calls_max) {
        co_return std::unexpected(
            Status{Code::ResourceExhausted, "this client has too many calls under way"});
    }
    PendingCall call;
    call.request = std::move(request);
    call.request.insert(0, prefix_bytes, '\0');
    write_prefix(call.request, false);
    call.deadline = deadlines_.emplace(std::chrono::steady_clock::now() + options.deadline, &call);
    arm_timer();
    co_await call.done.wait([&] {
        if (session_ != nullptr) {
            start(call, path, options);
        } else {
            unsent_.push_back({&call, path, options});
            connect();
        }
    });
    if (!call.status.ok()) co_return std::unexpected(std::move(call.status));
    const auto prefix =
        call.received.size() >= prefix_bytes ? read_prefix(call.received) : std::nullopt;
    if (!prefix || prefix->compressed || call.received.size() != prefix_bytes + prefix->length) {
        co_return std::unexpected(Status{Code::Internal, "the answer is not exactly one message"});
    }
    call.received.erase(0, prefix_bytes);
    co_return std::move(call.received);
}

void Channel::Impl::start(PendingCall& call, const std::string& path, const CallOptions& options) {
    const std::string timeout = format_timeout(options.deadline);
    std::vector<nghttp2_nv> fields = {header(":method", "POST"),
                                      header(":scheme", "http"),
                                      header(":path", path),
                                      header(":authority", authority_),
                                      header("content-type", "application/grpc"),
                                      header("te", "trailers"),
                                      header("grpc-timeout", timeout)};
    for (const auto& [name, value] : options.metadata) fields.push_back(header(name, value));
    nghttp2_data_provider provider{};
    provider.source.ptr = &call;
    provider.read_callback = ChannelCallbacks::read_request;
    call.stream =
        nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, &call);
    if (call.stream < 0) {  // stream numbers are used up: the next call opens a new connection
        call.status = {Code::Unavailable, "the connection takes no more calls"};
        finish(call);
        close("the connection takes no more calls");
        return;
    }
    flush_soon();
}

void Channel::Impl::connect() {
    if (connecting_) return;
    connecting_ = true;
    const std::uint64_t mine = ++connection_;
    const auto failed_with = [](const std::shared_ptr<Impl>& self, const error_code& failed) {
        self->connecting_ = false;
        self->close("cannot connect to " + self->authority_ + ": " + failed.message());
    };
    resolver_.async_resolve(options_.host, std::to_string(options_.port),
                            [self = shared_from_this(), mine, failed_with](
                                error_code failed, const Tcp::resolver::results_type& found) {
                                if (mine != self->connection_) return;
                                if (failed) return failed_with(self, failed);
                                self->socket_ = Tcp::socket(self->loop_.context());
                                asio::async_connect(self->socket_, found,
                                                    [self, mine, failed_with](
                                                        error_code refused, const Tcp::endpoint&) {
                                                        if (mine != self->connection_) return;
                                                        if (refused)
                                                            return failed_with(self, refused);
                                                        self->connected();
                                                    });
                            });
}

void Channel::Impl::connected() {
    connecting_ = false;
    error_code ignored;  // a socket that died at once is found by the first read
    socket_.set_option(Tcp::no_delay(true), ignored);
    open_session();
    auto waiting = std::move(unsent_);
    unsent_.clear();
    for (auto& unsent : waiting) start(*unsent.call, unsent.path, unsent.options);
    read();
    flush();
}

void Channel::Impl::open_session() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, ChannelCallbacks::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, ChannelCallbacks::on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, ChannelCallbacks::on_close);
    require(nghttp2_session_client_new(&session_, callbacks, this) == 0,
            "nghttp2 has memory for a session");
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1024 * 1024}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window_bytes);
}

void Channel::Impl::read() {
    socket_.async_read_some(asio::buffer(input_), [self = shared_from_this(), mine = connection_](
                                                      error_code failed, std::size_t size) {
        if (mine != self->connection_ || self->session_ == nullptr) return;
        if (failed) return self->close("the server closed the connection: " + failed.message());
        const auto taken = nghttp2_session_mem_recv(
            self->session_, reinterpret_cast<const std::uint8_t*>(self->input_.data()), size);
        if (taken < 0) return self->close("the server's answer is not HTTP/2");
        self->flush();
        if (self->session_ != nullptr) self->read();
    });
}

void Channel::Impl::flush_soon() {
    if (flush_posted_) return;
    flush_posted_ = true;
    asio::post(loop_.context(), [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void Channel::Impl::flush() {
    if (writing_ || session_ == nullptr) return;
    output_.clear();
    while (output_.size() < 4 * buffer_bytes) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &data);
        if (size <= 0) break;
        output_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    if (output_.empty()) {
        if (nghttp2_session_want_read(session_) == 0)
            close("the server has shut the connection down");
        return;
    }
    writing_ = true;
    asio::async_write(
        socket_, asio::buffer(output_),
        [self = shared_from_this(), mine = connection_](error_code failed, std::size_t) {
            if (mine != self->connection_) return;
            self->writing_ = false;
            if (failed) return self->close("the connection broke: " + failed.message());
            self->flush();
        });
}

void Channel::Impl::finish(PendingCall& call) {
    if (std::exchange(call.finished, true)) return;
    deadlines_.erase(call.deadline);
    loop_.complete(&call.done);
}

void Channel::Impl::close(const std::string& reason) {
    ++connection_;
    writing_ = false;
    error_code ignored;
    socket_.close(ignored);
    nghttp2_session_del(std::exchange(session_, nullptr));
    unsent_.clear();
    while (!deadlines_.empty()) {
        PendingCall& call = *deadlines_.begin()->second;
        if (!call.has_status) call.status = {Code::Unavailable, reason};
        finish(call);
    }
}

void Channel::Impl::arm_timer() {
    if (timer_armed_ || deadlines_.empty()) return;
    timer_armed_ = true;
    timer_.expires_at(deadlines_.begin()->first);
    timer_.async_wait([self = weak_from_this()](error_code cancelled) {
        const auto channel = self.lock();
        if (channel == nullptr) return;
        channel->timer_armed_ = false;
        if (!cancelled) channel->expire();
        channel->arm_timer();
    });
}

void Channel::Impl::expire() {
    const SteadyTime now = std::chrono::steady_clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
        PendingCall& call = *deadlines_.begin()->second;
        call.status = {Code::DeadlineExceeded, "no answer from " + authority_ + " in time"};
        call.has_status = true;
        std::erase_if(unsent_, [&](const Unsent& unsent) { return unsent.call == &call; });
        if (call.stream >= 0 && session_ != nullptr) {
            nghttp2_session_set_stream_user_data(session_, call.stream, nullptr);
            nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.stream, NGHTTP2_CANCEL);
            flush_soon();
        }
        finish(call);
    }
}

Channel::Channel(runtime::Loop& loop, ChannelOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Channel::~Channel() {
    impl_->close("the client was closed");
}

awaitable<Reply<std::string>> Channel::unary(std::string_view path, std::string request,
                                             CallOptions options) {
    return impl_->unary(impl_, std::string(path), std::move(request), std::move(options));
}

}  // namespace florin::grpc
