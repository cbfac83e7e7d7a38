#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "platform/grpc/framing.h"
#include "platform/grpc/service.h"
#include "platform/runtime/completion.h"

namespace florin::grpc {

class ServerSession;

using SteadyTime = std::chrono::steady_clock::time_point;

/// One call on its HTTP/2 stream. Its session and its handler's coroutine share it: the handler may
/// outlive the stream (the client left), the stream may outlive the handler (the answer is on its
/// way).
class ServerCall final : public Stream, public std::enable_shared_from_this<ServerCall> {
public:
    ServerCall(ServerSession& session, std::int32_t stream_id, SteadyTime started)
        : session_(&session), stream_id_(stream_id), started_(started), progressed_(started) {}

    [[nodiscard]] std::string_view metadata(std::string_view name) const override;
    [[nodiscard]] const std::string& trace_id() const override;
    [[nodiscard]] const std::string& peer() const override;
    [[nodiscard]] std::optional<SteadyTime> deadline() const override { return deadline_; }
    [[nodiscard]] bool cancelled() const override { return session_ == nullptr || answered_; }
    awaitable<std::optional<std::string>> read() override;
    void stop_waiting() override;
    awaitable<bool> write(const google::protobuf::MessageLite& message) override;

private:
    friend class ServerSession;

    void wake(runtime::Completion*& waiter);

    ServerSession* session_;  // null once the stream is gone
    std::int32_t stream_id_;
    SteadyTime started_;
    SteadyTime progressed_;
    std::optional<SteadyTime> deadline_;
    const Services::Method* method_ = nullptr;
    std::vector<std::pair<std::string, std::string>> metadata_;
    mutable std::string trace_id_;
    mutable std::string peer_;

    // What the client sends.
    std::size_t header_bytes_ = 0;
    bool headers_done_ = false;  // what follows are trailers, which mean nothing in gRPC
    bool post_ = false;
    bool grpc_content_ = false;
    bool gzip_request_ = false;
    bool unknown_encoding_ = false;
    bool gzip_accepted_ = false;
    bool bad_timeout_ = false;
    std::string path_;  // kept only when no method has it
    // Bytes not yet taken apart into messages. A stream's messages stay as they came, compressed
    // ones too, until the handler reads them: what waits is bounded by the window.
    std::string received_;
    std::size_t received_at_ = 0;  // where the next message begins
    bool client_done_ = false;
    bool stop_waiting_ = false;     // what has not arrived is not read
    std::size_t unread_bytes_ = 0;  // of a stream, to give back to flow control
    runtime::Completion* reader_ = nullptr;

    // What we answer.
    bool started_answer_ = false;
    bool answered_ = false;  // the status is decided; nothing more comes from the handler
    bool waiting_for_data_ = false;
    std::string output_;
    std::size_t output_sent_ = 0;
    Status status_;
    runtime::Completion* writer_ = nullptr;

    // The session's list of its calls; the pointer keeps the call alive as long as its stream.
    std::shared_ptr<ServerCall> self_;
    ServerCall* previous_ = nullptr;
    ServerCall* next_ = nullptr;
};

}  // namespace florin::grpc
