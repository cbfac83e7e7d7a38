#include "platform/http/client.h"

#include <algorithm>
#include <deque>
#include <map>
#include <variant>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "platform/runtime/loop.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;
using SteadyTime = std::chrono::steady_clock::time_point;

namespace florin::http {
namespace {

constexpr std::chrono::seconds address_lifetime{5};

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

struct Connection {
    explicit Connection(std::variant<PlainStream, TlsStream> opened) : stream(std::move(opened)) {}

    beast::tcp_stream& lowest() {
        return std::visit([](auto& s) -> beast::tcp_stream& { return beast::get_lowest_layer(s); },
                          stream);
    }

    std::variant<PlainStream, TlsStream> stream;
    beast::flat_buffer buffer;
    SteadyTime idle_since{};
    bool used = false;  // it has carried an exchange: the server may have closed it meanwhile
};

/// The connections to one origin, and who waits for one.
struct Origin {
    std::vector<std::unique_ptr<Connection>> idle;
    std::size_t open = 0;  // idle and busy
    std::deque<asio::steady_timer*> waiting;
    SteadyTime last_used{};
    std::vector<Tcp::endpoint> addresses;
    SteadyTime resolved_at{};
};

ClientError timeout_error(const Url& url) {
    return {ClientError::Kind::Timeout, url.origin() + " did not answer in time", false};
}

std::string head_of(const ClientRequest& request) {
    std::string head;
    head.reserve(512 + request.body.size());
    head += request.method;
    head += ' ';
    head += request.url.target;
    head += " HTTP/1.1\r\nHost: ";
    head += request.url.authority();
    for (const auto& [name, value] : request.headers) {
        head += "\r\n";
        head += name;
        head += ": ";
        head += value;
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
        head += "\r\nContent-Length: ";
        head += std::to_string(request.body.size());
    }
    head += "\r\n\r\n";
    return head;
}

bool header_safe(const Headers& headers) {
    return std::ranges::all_of(headers, [](const auto& field) {
        return field.second.find_first_of("\r\n") == std::string::npos &&
               field.first.find_first_of("\r\n: ") == std::string::npos;
    });
}

}  // namespace

class Client::Impl {
public:
    Impl(runtime::Loop& loop, ClientOptions options)
        : loop_(loop),
          options_(std::move(options)),
          tls_(asio::ssl::context::tls_client),
          resolver_(loop.context()) {
        tls_.set_default_verify_paths();
        if (!options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file);
        tls_.set_verify_mode(asio::ssl::verify_peer);
        tls_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    }

    using Result = std::expected<ClientResponse, ClientError>;

    awaitable<Result> send(std::shared_ptr<Impl> self, ClientRequest request);
    [[nodiscard]] std::size_t connections(std::string_view origin) const {
        const auto found = origins_.find(origin);
        return found != origins_.end() ? found->second.open : 0;
    }

private:
    struct Attempt {
        Result result;
        bool stale = false;  // a pooled connection turned out closed before any byte of an answer
    };

    awaitable<Result> send_once(const ClientRequest& request, SteadyTime deadline);
    awaitable<std::expected<std::unique_ptr<Connection>, ClientError>> acquire(const Url& url,
                                                                               SteadyTime deadline);
    awaitable<std::expected<std::unique_ptr<Connection>, ClientError>> open(const Url& url,
                                                                            SteadyTime deadline);
    awaitable<std::expected<std::vector<Tcp::endpoint>, ClientError>> resolve(const Url& url,
                                                                              Origin& origin);
    awaitable<std::optional<ClientError>> handshake(TlsStream& stream, const Url& url);
    awaitable<Attempt> exchange(Connection& connection, const ClientRequest& request,
                                SteadyTime deadline, bool& keep);
    template <class Stream>
    awaitable<Attempt> exchange_over(Stream& stream, Connection& connection,
                                     const ClientRequest& request, bool& keep);
    void give_back(const std::string& origin_name, std::unique_ptr<Connection> connection,
                   bool keep);
    void forget_idle_origins();

    runtime::Loop& loop_;
    const ClientOptions options_;
    asio::ssl::context tls_;
    Tcp::resolver resolver_;
    std::map<std::string, Origin, std::less<>> origins_;
};

awaitable<Client::Impl::Result> Client::Impl::send(std::shared_ptr<Impl> /*self*/,
                                                   ClientRequest request) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + request.deadline;
    if (!header_safe(request.headers)) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Protocol, "a header holds a line break", true});
    }
    for (unsigned hop = 0;; ++hop) {
        Result result = co_await send_once(request, deadline);
        if (!result) co_return result;
        const unsigned status = result->status;
        const bool redirect =
            status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        const std::string location(result->headers.get("Location"));
        if (!redirect || location.empty()) co_return result;
        if (hop == options_.redirects_max) {
            co_return std::unexpected(ClientError{ClientError::Kind::Redirects,
                                                  request.url.origin() + " redirects more than " +
                                                      std::to_string(options_.redirects_max) +
                                                      " times",
                                                  false});
        }
        const auto next =
            parse_url(location.starts_with('/') ? request.url.origin() + location : location);
        if (!next) {
            co_return std::unexpected(ClientError{
                ClientError::Kind::Protocol, "the redirect's Location " + next.error(), false});
        }
        request.url = *next;
        if (status != 307 && status != 308) {
            request.method = "GET";
            request.body.clear();
        }
    }
}

awaitable<Client::Impl::Result> Client::Impl::send_once(const ClientRequest& request,
                                                        SteadyTime deadline) {
    const std::string origin = request.url.origin();
    while (true) {
        auto connection = co_await acquire(request.url, deadline);
        if (!connection) co_return std::unexpected(std::move(connection.error()));
        const bool pooled = (*connection)->used;
        bool keep = false;
        Attempt attempt = co_await exchange(**connection, request, deadline, keep);
        give_back(origin, std::move(*connection), keep);
        if (!(attempt.stale && pooled)) co_return std::move(attempt.result);
    }
}

awaitable<std::expected<std::unique_ptr<Connection>, ClientError>> Client::Impl::acquire(
    const Url& url, SteadyTime deadline) {
    const std::string name = url.origin();
    if (!origins_.contains(name) && origins_.size() >= options_.origins_max) forget_idle_origins();
    while (true) {
        Origin& origin = origins_[name];
        const SteadyTime now = std::chrono::steady_clock::now();
        origin.last_used = now;
        while (!origin.idle.empty()) {
            auto connection = std::move(origin.idle.back());
            origin.idle.pop_back();
            if (now - connection->idle_since < options_.idle_timeout) co_return connection;
            --origin.open;
        }
        if (origin.open < options_.connections_per_origin_max) {
            ++origin.open;
            auto opened = co_await open(url, deadline);
            if (!opened) give_back(name, nullptr, false);
            co_return opened;
        }
        asio::steady_timer turn(loop_.context(), deadline);
        origin.waiting.push_back(&turn);
        error_code woken;
        co_await turn.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (!woken) {
            std::erase(origins_[name].waiting, &turn);
            auto error = timeout_error(url);
            error.unsent = true;
            co_return std::unexpected(error);
        }
    }
}

void Client::Impl::give_back(const std::string& name, std::unique_ptr<Connection> connection,
                             bool keep) {
    Origin& origin = origins_[name];
    if (keep && origin.idle.size() < options_.idle_per_origin_max) {
        connection->idle_since = std::chrono::steady_clock::now();
        connection->used = true;
        connection->lowest().expires_never();
        origin.idle.push_back(std::move(connection));
    } else {
        --origin.open;
    }
    if (!origin.waiting.empty()) {
        auto* const next = origin.waiting.front();
        origin.waiting.pop_front();
        next->cancel();
    }
}

void Client::Impl::forget_idle_origins() {
    const auto oldest = std::ranges::min_element(origins_, {}, [](const auto& entry) {
        const bool idle =
            entry.second.open == entry.second.idle.size() && entry.second.waiting.empty();
        return idle ? entry.second.last_used : SteadyTime::max();
    });
    if (oldest != origins_.end() && oldest->second.open == oldest->second.idle.size() &&
        oldest->second.waiting.empty()) {
        origins_.erase(oldest);
    }
}

awaitable<std::expected<std::vector<Tcp::endpoint>, ClientError>> Client::Impl::resolve(
    const Url& url, Origin& origin) {
    error_code not_literal;
    const auto literal = asio::ip::make_address(url.host, not_literal);
    if (!not_literal) co_return std::vector<Tcp::endpoint>{{literal, url.port}};
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!origin.addresses.empty() && now - origin.resolved_at < address_lifetime)
        co_return origin.addresses;
    error_code failed;
    const auto results = co_await resolver_.async_resolve(
        url.host, std::to_string(url.port), asio::redirect_error(asio::use_awaitable, failed));
    if (failed) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Resolve,
                        "the host " + url.host + " cannot be resolved: " + failed.message(), true});
    }
    std::vector<Tcp::endpoint> addresses;
    for (const auto& entry : results) addresses.push_back(entry.endpoint());
    Origin& current = origins_[url.origin()];
    current.addresses = addresses;
    current.resolved_at = now;
    co_return addresses;
}

// The address that was checked is the one connected to: a name that answers differently the next
// time (DNS rebinding) gains nothing.
awaitable<std::expected<std::unique_ptr<Connection>, ClientError>> Client::Impl::open(
    const Url& url, SteadyTime deadline) {
    auto addresses = co_await resolve(url, origins_[url.origin()]);
    if (!addresses) co_return std::unexpected(std::move(addresses.error()));
    std::erase_if(*addresses, [&](const Tcp::endpoint& endpoint) {
        return !allows(options_.egress, url.host, endpoint.address());
    });
    if (addresses->empty()) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Refused,
                        "the egress policy refuses " + url.host +
                            ": it has only private, loopback or reserved addresses",
                        true});
    }
    beast::tcp_stream stream(loop_.context());
    error_code failed;
    for (const auto& endpoint : *addresses) {
        stream.expires_at(
            std::min(deadline, std::chrono::steady_clock::now() + options_.connect_timeout));
        co_await stream.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
        if (!failed) break;
    }
    if (failed) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Connect,
                        "cannot connect to " + url.origin() + ": " + failed.message(), true});
    }
    stream.socket().set_option(Tcp::no_delay(true), failed);
    if (!url.tls) co_return std::make_unique<Connection>(std::move(stream));
    TlsStream secured(std::move(stream), tls_);
    beast::get_lowest_layer(secured).expires_at(deadline);
    if (auto error = co_await handshake(secured, url)) co_return std::unexpected(std::move(*error));
    co_return std::make_unique<Connection>(std::move(secured));
}

awaitable<std::optional<ClientError>> Client::Impl::handshake(TlsStream& stream, const Url& url) {
    // SSL_set_tlsext_host_name is a macro around this call; servers choose their certificate by it.
    SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(url.host.c_str()));
    stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
    error_code failed;
    co_await stream.async_handshake(asio::ssl::stream_base::client,
                                    asio::redirect_error(asio::use_awaitable, failed));
    if (!failed) co_return std::nullopt;
    if (failed == beast::error::timeout) {
        auto error = timeout_error(url);
        error.unsent = true;
        co_return error;
    }
    co_return ClientError{ClientError::Kind::Tls,
                          "TLS with " + url.origin() + " failed: " + failed.message(), true};
}

awaitable<Client::Impl::Attempt> Client::Impl::exchange(Connection& connection,
                                                        const ClientRequest& request,
                                                        SteadyTime deadline, bool& keep) {
    connection.lowest().expires_at(deadline);
    if (auto* plain = std::get_if<PlainStream>(&connection.stream)) {
        co_return co_await exchange_over(*plain, connection, request, keep);
    }
    co_return co_await exchange_over(std::get<TlsStream>(connection.stream), connection, request,
                                     keep);
}

template <class Stream>
awaitable<Client::Impl::Attempt> Client::Impl::exchange_over(Stream& stream, Connection& connection,
                                                             const ClientRequest& request,
                                                             bool& keep) {
    std::string wire = head_of(request);
    wire += request.body;
    error_code failed;
    co_await asio::async_write(stream, asio::buffer(wire),
                               asio::redirect_error(asio::use_awaitable, failed));
    if (failed) {
        if (failed == beast::error::timeout)
            co_return Attempt{std::unexpected(timeout_error(request.url)), false};
        co_return Attempt{
            std::unexpected(ClientError{
                ClientError::Kind::Protocol,
                request.url.origin() + " closed the connection: " + failed.message(), false}),
            true};
    }
    beast_http::response_parser<beast_http::string_body> parser;
    parser.header_limit(16 * 1024);
    parser.body_limit(options_.response_body_bytes_max);
    if (request.method == "HEAD") parser.skip(true);
    co_await beast_http::async_read(stream, connection.buffer, parser,
                                    asio::redirect_error(asio::use_awaitable, failed));
    const bool cut = failed == beast_http::error::body_limit;
    if (failed && !cut) {
        if (failed == beast::error::timeout)
            co_return Attempt{std::unexpected(timeout_error(request.url)), false};
        const bool nothing_came = !parser.got_some();
        co_return Attempt{
            std::unexpected(ClientError{
                ClientError::Kind::Protocol,
                request.url.origin() + " broke off its answer: " + failed.message(), false}),
            nothing_came};
    }
    auto answer = parser.release();
    keep = !cut && answer.keep_alive() && connection.buffer.size() == 0;
    ClientResponse response;
    response.status = answer.result_int();
    for (const auto& field : answer)
        response.headers.add(std::string(field.name_string()), std::string(field.value()));
    response.body = std::move(answer.body());
    co_return Attempt{std::move(response), false};
}

Client::Client(runtime::Loop& loop, ClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}

Client::~Client() = default;

awaitable<std::expected<ClientResponse, ClientError>> Client::send(ClientRequest request) {
    return impl_->send(impl_, std::move(request));
}

std::size_t Client::connections(std::string_view origin) const {
    return impl_->connections(origin);
}

}  // namespace florin::http
