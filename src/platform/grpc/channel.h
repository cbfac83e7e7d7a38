#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <google/protobuf/message_lite.h>

#include "platform/grpc/status.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::grpc {

struct ChannelOptions {
    std::string host = "127.0.0.1";
    std::uint16_t port = 8030;
    std::chrono::milliseconds connect_timeout{5'000};
    std::size_t message_bytes_max = 4 * 1024 * 1024;
    /// Calls under way at once; more are refused with RESOURCE_EXHAUSTED. The server's own limit on
    /// streams makes calls wait inside the connection.
    std::size_t calls_max = 16'384;
};

struct CallOptions {
    std::chrono::milliseconds deadline{10'000};
    std::vector<std::pair<std::string, std::string>> metadata;  // lower-case names
};

/// A gRPC client without TLS: one HTTP/2 connection to one server, opened on first use and again
/// after it broke (the calls it carried end with UNAVAILABLE; whether they took effect is unknown).
/// On one loop.
class Channel {
public:
    Channel(runtime::Loop& loop, ChannelOptions options);
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

    std::shared_ptr<Impl> impl_;  // shared with its connection's reading and writing
};

}  // namespace florin::grpc
