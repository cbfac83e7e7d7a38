#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <google/protobuf/message_lite.h>

#include "platform/grpc/channel_options.h"
#include "platform/grpc/status.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::grpc {

/// A gRPC client: one HTTP/2 connection to one server, opened on first use and again after it broke
/// or the server has said that it goes away. On one loop.
///
/// Whether a call took effect that ended with UNAVAILABLE or DEADLINE_EXCEEDED is unknown. A call
/// that the server has surely not begun (it went away, or refused the stream) is made once more
/// before that.
class Channel {
public:
    /// Throws `std::runtime_error` that names the CA file when it cannot be used.
    Channel(runtime::Loop& loop, ChannelOptions options);
    /// Calls under way end with UNAVAILABLE.
    ~Channel();

    /// One unary call with encoded messages; `path` is "/package.Service/Method".
    awaitable<Reply<std::string>> unary(std::string_view path, std::string request,
                                        CallOptions options);

    template <class Response>
    awaitable<Reply<Response>> call(std::string_view path,
                                    const google::protobuf::MessageLite& request,
                                    CallOptions options) {
        return decode<Response>(unary(path, request.SerializeAsString(), std::move(options)));
    }

    class Impl;

private:
    template <class Response>
    static awaitable<Reply<Response>> decode(awaitable<Reply<std::string>> answer) {
        Reply<std::string> bytes = co_await std::move(answer);
        if (!bytes) co_return std::unexpected(std::move(bytes.error()));
        Response response;
        if (!response.ParseFromString(*bytes)) {
            co_return std::unexpected(Status{Code::Internal, "the answer is not a valid message"});
        }
        co_return response;
    }

    std::shared_ptr<Impl> impl_;  // shared with its calls, which may resume after the channel
};

}  // namespace florin::grpc
