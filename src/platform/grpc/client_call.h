#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/status.h"
#include "platform/runtime/completion.h"

namespace florin::grpc {

class ClientConnection;

/// One unary call of a channel, from its request to its status. It lives in its caller's frame
/// until `done`; on the channel's loop.
struct ClientCall {
    using Deadlines = std::multimap<std::chrono::steady_clock::time_point, ClientCall*>;

    runtime::Completion done;
    Deadlines::iterator deadline;

    std::string request;  // with its prefix
    std::size_t sent = 0;
    std::shared_ptr<ClientConnection> connection;
    std::int32_t stream = -1;

    std::string received;
    std::string http_status = "200";
    std::optional<Code> code;  // grpc-status
    std::string message;       // grpc-message

    Status status;         // how it ended
    bool refused = false;  // the server has surely not begun it

    void take_header(std::string_view name, std::string_view value);
    /// Sets `status` from what has come before the stream ended with `http2_error`.
    void conclude(std::uint32_t http2_error);
    /// The answer, once it has ended.
    Reply<std::string> take_reply();
};

}  // namespace florin::grpc
