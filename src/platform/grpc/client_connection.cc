#include "platform/grpc/client_connection.h"

#include <cstring>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <nghttp2/nghttp2.h>

#include "platform/base/require.h"
#include "platform/grpc/framing.h"
#include "platform/runtime/loop.h"

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Error = boost::system::error_code;

namespace florin::grpc {
namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t write_bytes = 256 * 1024;
constexpr std::uint32_t stream_window_bytes = 1024 * 1024;
constexpr std::int32_t window_bytes = 4 * 1024 * 1024;

std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

nghttp2_nv header(std::string_view name, std::string_view value) {
    // nghttp2 copies both; its pointers predate const.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

bool is_address(const std::string& host) {
    Error name;
    asio::ip::make_address(host, name);
    return !name;
}

}  // namespace

struct ClientConnection::Wire {
    explicit Wire(asio::io_context& loop) : resolver(loop), socket(loop), opening(loop) {}

    Tcp::resolver resolver;
    Tcp::resolver::results_type found;
    Tcp::socket socket;
    std::optional<asio::ssl::stream<Tcp::socket&>> tls;
    asio::steady_timer opening;  // ends an opening that lasts too long
};

struct ClientConnection::Callbacks {
    static ClientCall* call(nghttp2_session* session, std::int32_t stream) {
        return static_cast<ClientCall*>(nghttp2_session_get_stream_user_data(session, stream));
    }
    static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                         const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                         std::size_t value_size, std::uint8_t, void*) {
        if (auto* const found = call(session, frame->hd.stream_id))
            found->take_header(text_of(name, name_size), text_of(value, value_size));
        return 0;
    }
    static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                       const std::uint8_t* data, std::size_t size, void* connection) {
        if (auto* const found = call(session, stream))
            static_cast<ClientConnection*>(connection)->take_data(*found, text_of(data, size));
        return 0;
    }
    static int on_not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error, void*) {
        auto* const found = call(session, frame->hd.stream_id);
        if (found == nullptr || frame->hd.type != NGHTTP2_HEADERS) return 0;
        found->refused = true;
        found->status = {Code::Unavailable,
                         std::string("the call could not be sent: ") + nghttp2_strerror(error)};
        return 0;
    }
    static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t error,
                        void* connection) {
        auto* const found = call(session, stream);
        if (found == nullptr) return 0;
        found->conclude(error);
        static_cast<ClientConnection*>(connection)->owner_.ended(*found);
        return 0;
    }
    static ssize_t read_request(nghttp2_session* session, std::int32_t stream, std::uint8_t* buffer,
                                std::size_t length, std::uint32_t* flags, nghttp2_data_source*,
                                void*) {
        auto* const found = call(session, stream);
        if (found == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // cancelled meanwhile
        const std::size_t size = std::min(length, found->request.size() - found->sent);
        std::memcpy(buffer, found->request.data() + found->sent, size);
        found->sent += size;
        if (found->sent == found->request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(size);
    }
};

ClientConnection::ClientConnection(runtime::Loop& loop, const ChannelOptions& options,
                                   asio::ssl::context* tls, Owner& owner)
    : loop_(loop),
      options_(options),
      authority_(options.host + ":" + std::to_string(options.port)),
      owner_(owner),
      wire_(std::make_unique<Wire>(loop.context())),
      input_(read_bytes) {
    if (tls != nullptr) wire_->tls.emplace(wire_->socket, *tls);
    open_session();
}

ClientConnection::~ClientConnection() {
    nghttp2_session_del(session_);
}

void ClientConnection::open_session() {
    nghttp2_session_callbacks* callbacks = nullptr;
    require(nghttp2_session_callbacks_new(&callbacks) == 0, "nghttp2 has memory for its callbacks");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, Callbacks::on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, Callbacks::on_data);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, Callbacks::on_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, Callbacks::on_close);
    require(nghttp2_session_client_new(&session_, callbacks, this) == 0,
            "nghttp2 has memory for a session");
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window_bytes);
}

void ClientConnection::open() {
    wire_->opening.expires_after(options_.connect_timeout);
    wire_->opening.async_wait([self = shared_from_this()](const Error& stopped) {
        if (stopped || self->opened_) return;
        self->close("no connection to " + self->authority_ + " within " +
                    std::to_string(self->options_.connect_timeout.count()) + " ms");
    });
    wire_->resolver.async_resolve(
        options_.host, std::to_string(options_.port),
        [self = shared_from_this()](const Error& failed, const Tcp::resolver::results_type& found) {
            if (self->closed_) return;
            if (failed)
                return self->close("cannot find " + self->options_.host + ": " + failed.message());
            self->wire_->found = found;
            self->connect();
        });
}

void ClientConnection::connect() {
    asio::async_connect(wire_->socket, wire_->found,
                        [self = shared_from_this()](const Error& failed, const Tcp::endpoint&) {
                            if (self->closed_) return;
                            if (failed) {
                                return self->close("cannot connect to " + self->authority_ + ": " +
                                                   failed.message());
                            }
                            Error ignored;  // a socket that died at once is found by the first read
                            self->wire_->socket.set_option(Tcp::no_delay(true), ignored);
                            if (self->wire_->tls) return self->secure();
                            self->opened();
                        });
}

void ClientConnection::secure() {
    if (!is_address(options_.host)) {
        // The macro SSL_set_tlsext_host_name, spelled out; an address is not a name (RFC 6066, 3).
        SSL_ctrl(wire_->tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                 TLSEXT_NAMETYPE_host_name, const_cast<char*>(options_.host.c_str()));
    }
    wire_->tls->set_verify_callback(asio::ssl::host_name_verification(options_.host));
    wire_->tls->async_handshake(asio::ssl::stream_base::client,
                                [self = shared_from_this()](const Error& failed) {
                                    if (!self->closed_) self->secured(failed);
                                });
}

void ClientConnection::secured(const std::error_code& failed) {
    SSL* const ssl = wire_->tls->native_handle();
    if (failed) {
        const long verified = SSL_get_verify_result(ssl);
        return close(
            "no TLS with " + authority_ + ": " +
            (verified == X509_V_OK ? failed.message() : X509_verify_cert_error_string(verified)));
    }
    const unsigned char* protocol = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    if (text_of(protocol, size) != "h2")
        return close(authority_ + " does not speak HTTP/2 over TLS");
    opened();
}

void ClientConnection::opened() {
    opened_ = true;
    wire_->opening.cancel();
    read();
    flush();
}

void ClientConnection::close(const std::string& reason) {
    if (std::exchange(closed_, true)) return;
    wire_->opening.cancel();
    wire_->resolver.cancel();
    Error ignored;  // it is closed either way
    wire_->socket.close(ignored);
    owner_.closed(*this, reason);
}

bool ClientConnection::takes_calls() const {
    return !closed_ && nghttp2_session_check_request_allowed(session_) != 0;
}

void ClientConnection::start(ClientCall& call, const std::string& path,
                             const CallOptions& options) {
    const std::string timeout = format_timeout(options.deadline);
    std::vector<nghttp2_nv> fields = {header(":method", "POST"),
                                      header(":scheme", wire_->tls ? "https" : "http"),
                                      header(":path", path),
                                      header(":authority", authority_),
                                      header("content-type", "application/grpc"),
                                      header("te", "trailers"),
                                      header("grpc-timeout", timeout)};
    for (const auto& [name, value] : options.metadata) fields.push_back(header(name, value));
    nghttp2_data_provider provider{};
    provider.read_callback = Callbacks::read_request;
    call.connection = shared_from_this();
    call.stream =
        nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, &call);
    if (call.stream < 0) {
        return end(call, {Code::Internal, std::string("the call could not be made: ") +
                                              nghttp2_strerror(call.stream)});
    }
    flush_soon();
}

void ClientConnection::cancel(ClientCall& call) {
    if (closed_) return;
    nghttp2_session_set_stream_user_data(session_, call.stream, nullptr);
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.stream, NGHTTP2_CANCEL);
    flush_soon();
}

void ClientConnection::take_data(ClientCall& call, std::string_view bytes) {
    if (call.received.size() + bytes.size() <= options_.message_bytes_max + prefix_bytes) {
        call.received.append(bytes);
        return;
    }
    cancel(call);
    end(call, {Code::ResourceExhausted, "the answer is larger than the " +
                                            std::to_string(options_.message_bytes_max) +
                                            " bytes this client takes"});
}

void ClientConnection::end(ClientCall& call, Status status) {
    call.status = std::move(status);
    owner_.ended(call);
}

void ClientConnection::read() {
    auto then = [self = shared_from_this()](const Error& failed, std::size_t size) {
        if (self->closed_) return;
        if (failed) return self->close("the server closed the connection: " + failed.message());
        self->received(size);
    };
    if (wire_->tls) {
        wire_->tls->async_read_some(asio::buffer(input_), std::move(then));
    } else {
        wire_->socket.async_read_some(asio::buffer(input_), std::move(then));
    }
}

void ClientConnection::received(std::size_t size) {
    // nghttp2 would answer with GOAWAY and not tell the two mistakes apart.
    if (!std::exchange(heard_, true) && std::string_view(input_.data(), size).starts_with("HTTP/"))
        return close(authority_ + " answers in HTTP/1.1, not HTTP/2");
    const auto taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(input_.data()), size);
    if (taken < 0) return close("the server's answer is not HTTP/2");
    flush();
    if (!closed_) read();
}

void ClientConnection::flush_soon() {
    if (flush_posted_) return;
    flush_posted_ = true;
    asio::post(loop_.context(), [self = shared_from_this()] {
        self->flush_posted_ = false;
        self->flush();
    });
}

void ClientConnection::flush() {
    if (!opened_ || writing_ || closed_) return;
    output_.clear();
    while (output_.size() < write_bytes) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &data);
        if (size <= 0) break;
        output_.append(text_of(data, static_cast<std::size_t>(size)));
    }
    if (output_.empty()) {
        if (nghttp2_session_want_read(session_) == 0)
            close("the server has shut the connection down");
        return;
    }
    writing_ = true;
    auto then = [self = shared_from_this()](const Error& failed, std::size_t) {
        self->written(failed);
    };
    if (wire_->tls) {
        asio::async_write(*wire_->tls, asio::buffer(output_), std::move(then));
    } else {
        asio::async_write(wire_->socket, asio::buffer(output_), std::move(then));
    }
}

void ClientConnection::written(const std::error_code& failed) {
    if (closed_) return;
    writing_ = false;
    if (failed) return close("the connection broke: " + failed.message());
    flush();
}

}  // namespace florin::grpc
