#include "platform/grpc/server_session.h"

#include <algorithm>
#include <cstring>

#include <nghttp2/nghttp2.h>

#include "platform/base/faults.h"
#include "platform/base/require.h"
#include "platform/telemetry/log.h"

namespace florin::grpc {
namespace {

constexpr std::uint32_t stream_window_bytes = 1024 * 1024;
constexpr std::int32_t connection_window_bytes = 4 * 1024 * 1024;
constexpr std::size_t metadata_entries_max = 64;

/// nghttp2's option and callback tables, made once for the process and then only read.
class Tables {
public:
    static const Tables& get() {
        static const Tables tables;
        return tables;
    }
    nghttp2_option* option = nullptr;
    nghttp2_session_callbacks* callbacks = nullptr;

private:
    Tables();
};

Status status_of_exception(const std::exception_ptr& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (const Overloaded& fault) {
        return {Code::ResourceExhausted, fault.what()};
    } catch (const Unavailable& fault) {
        telemetry::warning("A call cannot be served now", {{"fault", fault.what()}});
        return {Code::Unavailable, "the service cannot do this now; try again in a moment"};
    } catch (const std::exception& fault) {
        telemetry::error("A call has failed", {{"fault", fault.what()}});
        return {Code::Internal, "the service failed; the reason is in its log"};
    }
}

}  // namespace

/// The bridge from nghttp2's callbacks.
struct SessionCallbacks {
    static ServerSession& self(void* user) { return *static_cast<ServerSession*>(user); }
    static ServerCall* call(nghttp2_session* session, std::int32_t stream) {
        return static_cast<ServerCall*>(nghttp2_session_get_stream_user_data(session, stream));
    }
    static std::string_view view(const std::uint8_t* bytes, std::size_t size) {
        return {reinterpret_cast<const char*>(bytes), size};
    }

    static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
        if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
        return self(user).on_begin_headers(frame->hd.stream_id);
    }
    static int on_header(nghttp2_session* session, const nghttp2_frame* frame,
                         const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                         std::size_t value_size, std::uint8_t, void* user) {
        auto* const found = call(session, frame->hd.stream_id);
        if (found == nullptr) return 0;
        return self(user).on_header(*found, view(name, name_size), view(value, value_size));
    }
    static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
        auto& server = self(user);
        const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        const bool empty_data =
            frame->hd.type == NGHTTP2_DATA && frame->hd.length == 0 && !ends_stream;
        const bool message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
        if (!message || empty_data) {
            server.on_control_frame(frame->hd.type);
            return 0;
        }
        auto* const found = call(session, frame->hd.stream_id);
        if (found == nullptr) return 0;
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
            server.on_headers_complete(*found);
        }
        if (ends_stream) server.on_client_done(*found);
        return 0;
    }
    static bool blames_client(std::uint32_t error_code) {
        return error_code != NGHTTP2_NO_ERROR && error_code != NGHTTP2_CANCEL &&
               error_code != NGHTTP2_REFUSED_STREAM;
    }
    static int on_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
        const auto type = frame->hd.type;
        // Streams that the client makes us reset count like those it resets itself.
        if (type == NGHTTP2_RST_STREAM && blames_client(frame->rst_stream.error_code)) {
            self(user).on_control_frame(type);
        }
        if (type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
            self(user).abuse_ == nullptr) {
            self(user).abuse_ = "protocol_error";
        }
        if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
        if (type != NGHTTP2_HEADERS && type != NGHTTP2_DATA) return 0;
        if (auto* const found = call(session, frame->hd.stream_id)) {
            self(user).on_frame_sent(*found);
        }
        return 0;
    }
    static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t stream,
                       const std::uint8_t* data, std::size_t size, void* user) {
        auto* const found = call(session, stream);
        if (found == nullptr) {
            nghttp2_session_consume_connection(session, size);
            return 0;
        }
        return self(user).on_data(*found, view(data, size));
    }
    static int on_close(nghttp2_session* session, std::int32_t stream, std::uint32_t, void* user) {
        if (auto* const found = call(session, stream)) self(user).on_stream_close(*found);
        return 0;
    }
};

namespace {

Tables::Tables() {
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_settings(option, 32);
    nghttp2_option_set_max_outbound_ack(option, 256);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks,
                                                            SessionCallbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, SessionCallbacks::on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, SessionCallbacks::on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, SessionCallbacks::on_sent);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, SessionCallbacks::on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, SessionCallbacks::on_close);
}

}  // namespace

ServerSession::ServerSession(const Services& services, const ServerLimits& limits,
                             ServerMetrics& metrics, SessionHost& host, std::string peer)
    : services_(services),
      limits_(limits),
      metrics_(metrics),
      host_(host),
      peer_(std::move(peer)),
      now_(std::chrono::steady_clock::now()),
      opened_(now_),
      last_received_(now_),
      last_call_ended_(now_),
      resets_since_(now_) {
    const auto& tables = Tables::get();
    require(nghttp2_session_server_new2(&session_, tables.callbacks, this, tables.option) == 0,
            "nghttp2 has memory for a session");
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_per_connection_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<std::uint32_t>(limits.header_bytes_max)}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, connection_window_bytes);
}

ServerSession::~ServerSession() {
    // Before the calls: a call that ends gives its window back to the session. Deleting reports no
    // stream as closed.
    for (ServerCall* call = first_call_; call != nullptr; call = call->next_)
        call->unread_bytes_ = 0;
    nghttp2_session_del(session_);
    while (first_call_ != nullptr) on_stream_close(*first_call_);
}

void ServerSession::receive(std::string_view bytes, SteadyTime now) {
    now_ = now;
    last_received_ = now;
    pinged_.reset();  // whatever came, the client is there
    if (now - resets_since_ > limits_.reset_window) {
        resets_since_ = now;
        resets_ = 0;
        control_frames_ = 0;
    }
    const auto taken = nghttp2_session_mem_recv(
        session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) {
        if (abuse_ == nullptr)
            abuse_ = taken == NGHTTP2_ERR_FLOODED ? "control_flood" : "protocol_error";
    } else if (abuse_ != nullptr) {
        nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

void ServerSession::on_control_frame(std::uint8_t type) {
    if (type == NGHTTP2_RST_STREAM) {
        if (++resets_ > limits_.resets_max) abuse_ = "rapid_reset";
        return;
    }
    if (type == NGHTTP2_SETTINGS) got_settings_ = true;
    if (type == NGHTTP2_WINDOW_UPDATE || type == NGHTTP2_GOAWAY) return;
    if (++control_frames_ > limits_.control_frames_max) abuse_ = "control_flood";
}

bool ServerSession::take_output(std::string& out, std::size_t bytes_max) {
    while (out.size() < bytes_max) {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &data);
        if (size < 0) return false;
        if (size == 0) return true;
        out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    return true;
}

bool ServerSession::finished() const {
    return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

int ServerSession::on_begin_headers(std::int32_t stream_id) {
    headers_begun_ = now_;
    auto call = std::make_shared<ServerCall>(*this, stream_id, now_);
    call->next_ = first_call_;
    if (first_call_ != nullptr) first_call_->previous_ = call.get();
    first_call_ = call.get();
    nghttp2_session_set_stream_user_data(session_, stream_id, call.get());
    call->self_ = std::move(call);
    return 0;
}

int ServerSession::on_header(ServerCall& call, std::string_view name, std::string_view value) {
    if (name.empty()) return 0;
    call.header_bytes_ += name.size() + value.size() + 32;  // as RFC 9113, 6.5.2 counts
    if (call.header_bytes_ > 4 * limits_.header_bytes_max) {
        abuse_ = "header_flood";
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (call.headers_done_ || call.header_bytes_ > limits_.header_bytes_max) return 0;
    if (name == ":path") {
        route(call, value);
    } else if (name == ":method") {
        call.post_ = value == "POST";
    } else if (name == "content-type") {
        call.grpc_content_ = value.starts_with("application/grpc") &&
                             (value.size() == 16 || value[16] == '+' || value[16] == ';');
    } else if (name == "grpc-timeout") {
        if (const auto timeout = parse_timeout(value)) {
            call.deadline_ = call.started_ + std::min<std::chrono::nanoseconds>(
                                                 *timeout, limits_.call_deadline_max);
        } else {
            call.bad_timeout_ = true;
        }
    } else if (name == "grpc-encoding") {
        call.gzip_request_ = value == "gzip" || value == "deflate";
        call.unknown_encoding_ = !call.gzip_request_ && value != "identity";
    } else if (name == "grpc-accept-encoding") {
        call.gzip_accepted_ = value.find("gzip") != std::string_view::npos;
    } else if (name[0] != ':' && name != "te" && name != "user-agent" &&
               call.metadata_.size() < metadata_entries_max) {
        if (name.ends_with("-bin")) {
            if (auto decoded = decode_binary_header(value))
                call.metadata_.emplace_back(name, std::move(*decoded));
        } else {
            call.metadata_.emplace_back(name, value);
        }
    }
    return 0;
}

void ServerSession::route(ServerCall& call, std::string_view path) {
    call.method_ = services_.find(path);
    if (call.method_ == nullptr) call.path_ = path.substr(0, 256);
}

std::optional<Status> ServerSession::refusal_of(const ServerCall& call) const {
    if (call.header_bytes_ > limits_.header_bytes_max) {
        return Status{
            Code::ResourceExhausted,
            "the headers are larger than " + std::to_string(limits_.header_bytes_max) + " bytes"};
    }
    if (call.method_ == nullptr) {
        return Status{Code::Unimplemented, "no such method here: " + call.path_};
    }
    if (call.bad_timeout_)
        return Status{Code::InvalidArgument, "bad request: grpc-timeout is malformed"};
    if (call.unknown_encoding_) {
        return Status{Code::Unimplemented, "grpc-encoding is not supported; use gzip or identity"};
    }
    if (call.deadline_ && *call.deadline_ <= call.started_) {
        return Status{Code::DeadlineExceeded, "the deadline had passed before the call began"};
    }
    return std::nullopt;
}

void ServerSession::on_headers_complete(ServerCall& call) {
    headers_begun_.reset();
    call.headers_done_ = true;
    // Headers past the limit were not looked at: only their size is known.
    const bool complete = call.header_bytes_ <= limits_.header_bytes_max;
    if (complete && !call.post_) return answer_http(call, "405");
    if (complete && !call.grpc_content_) return answer_http(call, "415");
    if (call.method_ != nullptr) metrics_.started(*call.method_);
    if (auto refusal = refusal_of(call)) return finish(call, std::move(*refusal));
    if (call.deadline_) {
        host_.sweep_at(*call.deadline_);
    } else if (call.method_->unary) {
        call.deadline_ = call.started_ + limits_.call_deadline_max;  // found by the regular sweep
    }
    if (call.method_->stream) start_handler(call);
}

void ServerSession::start_handler(ServerCall& call) {
    host_.start(call.method_->unary ? serve_unary(call.self_) : serve_stream(call.self_));
}

awaitable<void> ServerSession::serve_unary(std::shared_ptr<ServerCall> call) {
    require(call->session_ != nullptr, "a handler starts while its stream is there");
    Status status;
    std::string answer(prefix_bytes, '\0');
    auto message = call->session_->next_message(*call);
    if (call->answered_) co_return;
    if (!message) {
        call->session_->finish(*call, {Code::Internal, "a unary call has exactly one message"});
        co_return;
    }
    try {
        status = co_await call->method_->unary(*call, *message, answer);
    } catch (...) {
        status = status_of_exception(std::current_exception());
    }
    if (call->session_ == nullptr || call->answered_) co_return;
    call->session_->finish_unary(*call, std::move(status), std::move(answer));
}

awaitable<void> ServerSession::serve_stream(std::shared_ptr<ServerCall> call) {
    Status status;
    try {
        status = co_await call->method_->stream(*call);
    } catch (...) {
        status = status_of_exception(std::current_exception());
    }
    if (call->session_ == nullptr || call->answered_) co_return;
    call->session_->finish(*call, std::move(status));
}

void ServerSession::reset(ServerCall& call, std::uint32_t error_code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, call.stream_id_, error_code);
    host_.output_ready();
}

void ServerSession::on_stream_close(ServerCall& call) {
    if (!call.headers_done_)
        headers_begun_.reset();  // they were broken: there is no more to wait for
    if (!call.answered_ && call.headers_done_ && call.method_ != nullptr) {
        metrics_.handled(*call.method_, Code::Cancelled,
                         std::chrono::duration<double>(now_ - call.started_).count());
    }
    buffered_bytes_ -= call.received_.size() - call.received_at_;
    if (call.unread_bytes_ > 0) nghttp2_session_consume_connection(session_, call.unread_bytes_);
    let_go(call);
}

// The answer is out. What the client still sends would be for nothing: it is told to stop.
void ServerSession::on_frame_sent(ServerCall& call) {
    if (!call.client_done_) reset(call, NGHTTP2_NO_ERROR);
}

void ServerSession::let_go(ServerCall& call) {
    if (call.previous_ != nullptr) {
        call.previous_->next_ = call.next_;
    } else {
        first_call_ = call.next_;
    }
    if (call.next_ != nullptr) call.next_->previous_ = call.previous_;
    last_call_ended_ = now_;
    call.session_ = nullptr;
    call.wake(call.reader_);
    call.wake(call.writer_);
    call.self_.reset();  // the last owner, unless its handler still runs
}

void ServerSession::announce_shutdown(bool final) {
    if (final) {
        nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                              nullptr, 0);
    } else {
        nghttp2_submit_shutdown_notice(session_);
    }
    host_.output_ready();
}

const char* ServerSession::sweep(SteadyTime now) {
    now_ = now;
    for (ServerCall* call = first_call_; call != nullptr;) {
        ServerCall* const next = call->next_;
        sweep_call(*call, now);
        call = next;
    }
    return sweep_connection(now);
}

void ServerSession::sweep_call(ServerCall& call, SteadyTime now) {
    if (!call.answered_ && call.deadline_ && now >= *call.deadline_) {
        finish(call, {Code::DeadlineExceeded, "the call's deadline has passed"});
        return;
    }
    if (!call.answered_ && call.deadline_) host_.sweep_at(*call.deadline_);
    const bool waits_for_client =
        call.answered_ || (!call.client_done_ && call.method_ != nullptr && call.method_->unary);
    if (waits_for_client && now - call.progressed_ > limits_.progress_timeout)
        reset(call, NGHTTP2_CANCEL);
}

const char* ServerSession::sweep_connection(SteadyTime now) {
    if (!got_settings_ && now - opened_ > limits_.progress_timeout) return "slow_preface";
    if (headers_begun_ && now - *headers_begun_ > limits_.progress_timeout) return "slow_headers";
    if (pinged_ && now - *pinged_ > limits_.keepalive_timeout) return "keepalive";
    if (first_call_ == nullptr && now - last_call_ended_ > limits_.idle_timeout) return "idle";
    if (!pinged_ && now - last_received_ > limits_.keepalive_interval) {
        pinged_ = now;
        nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
        host_.output_ready();
    }
    return nullptr;
}

}  // namespace florin::grpc
