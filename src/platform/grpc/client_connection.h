#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "platform/grpc/channel_options.h"
#include "platform/grpc/client_call.h"

struct nghttp2_session;
namespace boost::asio::ssl {
class context;
}
namespace florin::runtime {
class Loop;
}

namespace florin::grpc {

/// One HTTP/2 connection of a channel, plain or with TLS, from its opening to its end. On one loop.
class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
public:
    class Owner {
    public:
        virtual ~Owner() = default;
        /// The status of the call is decided.
        virtual void ended(ClientCall& call) = 0;
        /// The calls it carried have not ended, and will not by themselves.
        virtual void closed(ClientConnection& connection, const std::string& reason) = 0;
    };

    /// `tls` may end after the constructor; null: plain. `owner` must stay until `closed`.
    ClientConnection(runtime::Loop& loop, const ChannelOptions& options,
                     boost::asio::ssl::context* tls, Owner& owner);
    ~ClientConnection();
    ClientConnection(const ClientConnection&) = delete;
    ClientConnection& operator=(const ClientConnection&) = delete;

    /// Looks the host up, connects, and sends what has been started meanwhile.
    void open();
    /// Tells the owner, once.
    void close(const std::string& reason);

    /// False once the server has said that it goes away, or the stream numbers are used up.
    [[nodiscard]] bool takes_calls() const;
    void start(ClientCall& call, const std::string& path, const CallOptions& options);
    /// Tells the server that nobody waits for the answer any more. Forgets the call; `ended` is not
    /// called for it.
    void cancel(ClientCall& call);

private:
    struct Callbacks;
    struct Wire;

    void connect();
    void secure();
    void secured(const std::error_code& failed);
    void opened();
    void open_session();
    void read();
    void received(std::size_t size);
    void flush();
    void flush_soon();
    void written(const std::error_code& failed);
    void take_data(ClientCall& call, std::string_view bytes);
    void end(ClientCall& call, Status status);

    runtime::Loop& loop_;
    const ChannelOptions options_;
    const std::string authority_;
    Owner& owner_;
    const std::unique_ptr<Wire> wire_;
    nghttp2_session* session_ = nullptr;
    bool opened_ = false;
    bool heard_ = false;  // anything from the server
    bool writing_ = false;
    bool flush_posted_ = false;
    bool closed_ = false;
    std::vector<char> input_;
    std::string output_;
};

}  // namespace florin::grpc
