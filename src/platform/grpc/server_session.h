#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/server.h"
#include "platform/grpc/server_call.h"
#include "platform/grpc/server_metrics.h"

struct nghttp2_session;
struct nghttp2_session_callbacks;

namespace florin::grpc {

/// What a session needs of the connection that carries it.
class SessionHost {
public:
    virtual ~SessionHost() = default;
    /// Runs a handler, detached.
    virtual void start(awaitable<void> handler) = 0;
    /// There is output to take, soon; many calls before it is taken are one.
    virtual void output_ready() = 0;
    /// A call has a deadline: `ServerSession::sweep` is wanted by then.
    virtual void sweep_at(SteadyTime at) = 0;
};

/// The gRPC side of one HTTP/2 connection, without any input or output of its own: bytes in, bytes
/// out, and the time. Belongs to one loop. Never destroyed from inside its own calls.
class ServerSession {
public:
    ServerSession(const Services& services, const ServerLimits& limits, ServerMetrics& metrics,
                  SessionHost& host, std::string peer);
    ~ServerSession();
    ServerSession(const ServerSession&) = delete;
    ServerSession& operator=(const ServerSession&) = delete;

    /// Takes what the client sent; `abuse` may have an answer after it.
    void receive(std::string_view bytes, SteadyTime now);
    /// Appends what is to be sent, until `out` holds about `bytes_max`. False: the session is
    /// broken.
    bool take_output(std::string& out, std::size_t bytes_max);
    /// Why the connection has to end, once its output was sent; null when it may go on.
    [[nodiscard]] const char* abuse() const { return abuse_; }
    /// True when neither side wants anything more.
    [[nodiscard]] bool finished() const;

    /// Ends what is overdue. Returns why the connection has to end, null when it may go on.
    const char* sweep(SteadyTime now);
    /// Tells the client to open no more calls here; `final` refuses those it has not begun.
    void announce_shutdown(bool final);

    [[nodiscard]] const std::string& peer() const { return peer_; }
    [[nodiscard]] const ServerLimits& limits() const { return limits_; }

private:
    friend class ServerCall;
    friend struct SessionCallbacks;
    friend struct OutputCallback;

    // What nghttp2 reports.
    int on_begin_headers(std::int32_t stream_id);
    int on_header(ServerCall& call, std::string_view name, std::string_view value);
    void on_headers_complete(ServerCall& call);
    void on_control_frame(std::uint8_t type);
    void on_frame_sent(ServerCall& call);
    int on_data(ServerCall& call, std::string_view data);
    void on_client_done(ServerCall& call);
    void on_stream_close(ServerCall& call);
    std::int64_t read_output(ServerCall& call, std::uint8_t* buffer, std::size_t length,
                             std::uint32_t* flags);

    void route(ServerCall& call, std::string_view path);
    std::optional<Status> refusal_of(const ServerCall& call) const;
    void start_handler(ServerCall& call);
    void check_next_message(ServerCall& call);
    std::optional<std::string> next_message(ServerCall& call);
    std::optional<std::string> inflated(ServerCall& call, std::string_view message);
    void give_back(ServerCall& call, std::size_t bytes);
    void drop_received(ServerCall& call);

    static awaitable<void> serve_unary(std::shared_ptr<ServerCall> call);
    static awaitable<void> serve_stream(std::shared_ptr<ServerCall> call);
    void finish_unary(ServerCall& call, Status status, std::string answer);
    void send_message(ServerCall& call, std::string message);
    void frame_message(ServerCall& call, std::string message);
    void finish(ServerCall& call, Status status);
    void answer_http(ServerCall& call, const char* http_status);
    void begin_answer(ServerCall& call);
    void submit_trailer(ServerCall& call);
    void reset(ServerCall& call, std::uint32_t error_code);
    void let_go(ServerCall& call);
    const char* sweep_connection(SteadyTime now);
    void sweep_call(ServerCall& call, SteadyTime now);

    const Services& services_;
    const ServerLimits& limits_;
    ServerMetrics& metrics_;
    SessionHost& host_;
    std::string peer_;
    nghttp2_session* session_ = nullptr;
    ServerCall* first_call_ = nullptr;
    SteadyTime now_;  // of the bytes being received: one clock reading for all their calls
    SteadyTime opened_;
    SteadyTime last_received_;
    SteadyTime last_call_ended_;
    std::optional<SteadyTime> pinged_;
    std::optional<SteadyTime> headers_begun_;
    SteadyTime resets_since_;
    std::uint32_t resets_ = 0;
    std::uint32_t control_frames_ = 0;
    std::size_t buffered_bytes_ = 0;  // of requests not yet handled
    bool got_settings_ = false;
    const char* abuse_ = nullptr;  // set: the connection has to end
};

}  // namespace florin::grpc
