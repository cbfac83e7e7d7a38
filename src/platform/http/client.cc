#include "platform/http/client.h"

#include <algorithm>
#include <array>
#include <optional>

#include "platform/base/ascii.h"
#include "platform/http/connection_pool.h"
#include "platform/runtime/loop.h"

namespace florin::http {
namespace {

using Connection = ConnectionPool::Connection;
using Result = std::expected<ClientResponse, ClientError>;

bool clients_business(std::string_view name) {
    constexpr std::array<std::string_view, 4> names = {"Host", "Content-Length", "Connection",
                                                       "Transfer-Encoding"};
    return std::ranges::any_of(names, [&](auto own) { return equal_ignoring_case(name, own); });
}

/// A value that came from outside must not end its line and begin a field, or a request, of its
/// own.
bool is_safe(const ClientRequest& request) {
    constexpr std::string_view breaks("\r\n\0", 3);
    const auto safe = [&](const auto& field) {
        return !field.first.empty() && field.second.find_first_of(breaks) == std::string::npos &&
               field.first.find_first_of("\r\n: ") == std::string::npos;
    };
    return request.method.find_first_of("\r\n ") == std::string::npos &&
           request.url.target.find_first_of("\r\n ") == std::string::npos &&
           std::ranges::all_of(request.headers, safe);
}

void write_head(std::string& out, const ClientRequest& request) {
    out.assign(request.method).append(" ").append(request.url.target);
    out.append(" HTTP/1.1\r\nHost: ").append(request.url.authority());
    for (const auto& [name, value] : request.headers) {
        if (clients_business(name)) continue;
        out.append("\r\n").append(name).append(": ").append(value);
    }
    const auto& method = request.method;
    if (!request.body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
        out.append("\r\nContent-Length: ").append(std::to_string(request.body.size()));
    out.append("\r\n\r\n");
}

bool is_redirect(unsigned status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

ClientError error_of(ClientError::Kind kind, const ClientRequest& request, std::string_view what) {
    return {kind, request.url.origin() + std::string(what), false};
}

/// Turns `request` into the one that the redirect `answer` asks for, as Go's client does.
std::optional<ClientError> follow(ClientRequest& request, const ClientResponse& answer,
                                  std::string_view location) {
    auto next = resolve_reference(request.url, location);
    if (!next) {
        return error_of(ClientError::Kind::Protocol, request,
                        " redirects to a Location that " + next.error());
    }
    const bool other_host = next->host != request.url.host;
    const bool drop_body = answer.status != 307 && answer.status != 308;
    Headers kept;
    for (const auto& [name, value] : request.headers) {
        // Credentials are for the host they were given for.
        const bool credential =
            equal_ignoring_case(name, "Authorization") || equal_ignoring_case(name, "Cookie");
        const bool of_body =
            drop_body && name.size() > 8 && equal_ignoring_case(name.substr(0, 8), "Content-");
        if (!(other_host && credential) && !of_body) kept.add(name, value);
    }
    request.headers = std::move(kept);
    request.url = std::move(*next);
    if (drop_body) {
        if (request.method != "HEAD") request.method = "GET";
        request.body.clear();
    }
    return std::nullopt;
}

}  // namespace

class Client::Impl {
public:
    Impl(runtime::Loop& loop, ClientOptions options)
        : options_(std::move(options)), pool_(std::make_shared<ConnectionPool>(loop, options_)) {}

    awaitable<Result> send(std::shared_ptr<Impl> self, ClientRequest request);
    [[nodiscard]] std::size_t connections(std::string_view origin) const {
        return pool_->connections(origin);
    }

private:
    awaitable<Result> send_once(const ClientRequest& request, SteadyTime deadline);
    awaitable<Result> exchange(Connection& connection, const ClientRequest& request);

    const ClientOptions options_;
    std::shared_ptr<ConnectionPool> pool_;  // shared with its timer
};

awaitable<Result> Client::Impl::send(std::shared_ptr<Impl> /*self*/, ClientRequest request) {
    const SteadyTime deadline = std::chrono::steady_clock::now() + request.deadline;
    if (!is_safe(request)) {
        co_return std::unexpected(
            ClientError{ClientError::Kind::Protocol,
                        "the request's method, address or headers hold a line break", true});
    }
    for (unsigned hop = 0;; ++hop) {
        Result result = co_await send_once(request, deadline);
        if (!result) {
            // An earlier hop did reach an application.
            if (hop > 0) result.error().unsent = false;
            co_return result;
        }
        const std::string_view location = result->headers.get("Location");
        if (!is_redirect(result->status) || location.empty()) co_return result;
        if (hop == options_.redirects_max) {
            co_return std::unexpected(error_of(
                ClientError::Kind::Redirects, request,
                " redirects more than " + std::to_string(options_.redirects_max) + " times"));
        }
        if (auto error = follow(request, *result, location))
            co_return std::unexpected(std::move(*error));
    }
}

awaitable<Result> Client::Impl::send_once(const ClientRequest& request, SteadyTime deadline) {
    auto choice = ConnectionPool::Choice::Any;
    while (true) {
        auto lease = co_await pool_->acquire(request.url, deadline, choice);
        if (!lease) co_return std::unexpected(std::move(lease.error()));
        Connection& connection = *lease->connection;
        const bool pooled = std::exchange(connection.used, true);
        connection.channel->expires_at(deadline);
        Result result = co_await exchange(connection, request);
        if (connection.reader.reusable()) {
            lease->keep();
        } else if (!result && pooled && !connection.reader.begun() &&
                   result.error().kind != ClientError::Kind::Timeout) {
            // The server closed it while the request was on its way: it was not served.
            choice = ConnectionPool::Choice::Fresh;
            continue;
        }
        co_return result;
    }
}

awaitable<Result> Client::Impl::exchange(Connection& connection, const ClientRequest& request) {
    constexpr std::size_t copied_bytes_max = 4 * 1024;
    using State = ResponseReader::State;
    auto& [channel, reader, head, idle_since, used] = connection;
    write_head(head, request);
    std::string_view body = request.body;
    if (body.size() <= copied_bytes_max) {  // cheaper than a second buffer
        head += body;
        body = {};
    }
    reader.restart(request.method == "HEAD");
    // A failure to write is not the end: the server may have answered before it closed.
    co_await channel->write(head, body);
    while (reader.state() == State::Reading) {
        const auto read = co_await channel->read_some(reader.space());
        reader.received(read.size);
        if (!read.failed || reader.state() != State::Reading) continue;
        if (channel->timed_out()) {
            co_return std::unexpected(error_of(
                ClientError::Kind::Timeout, request,
                reader.begun() ? " did not finish its answer in time" : " did not answer in time"));
        }
        if (!Channel::is_end_of_stream(read.failed)) {
            co_return std::unexpected(error_of(ClientError::Kind::Protocol, request,
                                               " broke the connection: " + read.failed.message()));
        }
        reader.ended();
    }
    if (reader.state() == State::Broken) {
        co_return std::unexpected(error_of(ClientError::Kind::Protocol, request,
                                           " broke the protocol: " + reader.fault()));
    }
    co_return ClientResponse{reader.status(), reader.take_headers(), reader.take_body()};
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
