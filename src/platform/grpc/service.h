#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <google/protobuf/message.h>

#include "platform/grpc/status.h"
#include "platform/runtime/awaitable.h"

namespace florin::grpc {

/// What a handler may ask about the call it serves. Lives until the handler has ended, also when
/// the client is gone by then; belongs to the call's loop.
class Call {
public:
    virtual ~Call() = default;
    /// A request header, by its lower-case name; empty when absent. `-bin` headers arrive decoded.
    [[nodiscard]] virtual std::string_view metadata(std::string_view name) const = 0;
    /// From `traceparent` or `x-correlation-id`, else new for this call.
    [[nodiscard]] virtual const std::string& trace_id() const = 0;
    [[nodiscard]] virtual const std::string& peer() const = 0;
    /// From `grpc-timeout`; the server answers DEADLINE_EXCEEDED by itself when it passes.
    [[nodiscard]] virtual std::optional<std::chrono::steady_clock::time_point> deadline() const = 0;
    /// The client has gone away, reset the stream, or its deadline has passed.
    [[nodiscard]] virtual bool cancelled() const = 0;
};

/// A call with any number of messages each way.
class Stream : public Call {
public:
    /// The next message's bytes; nothing when the client has closed its side or is gone, or after
    /// `stop_waiting`.
    virtual awaitable<std::optional<std::string>> read() = 0;
    /// From now on `read` gives what has arrived and waits for nothing more; one that waits ends.
    virtual void stop_waiting() = 0;
    /// Resumes when flow control has let the message pass into the connection's bounded buffer;
    /// false when the client is gone.
    virtual awaitable<bool> write(const google::protobuf::MessageLite& message) = 0;
};

/// Serves one unary call: parses `request`, appends the encoded answer to `answer`. The views and
/// references live until it returns. What it throws becomes a status: `Overloaded`
/// RESOURCE_EXHAUSTED, `Unavailable` and `StoreFault` UNAVAILABLE, anything else INTERNAL with a
/// text that tells nothing.
using UnaryHandler =
    std::function<awaitable<Status>(Call& call, std::string_view request, std::string& answer)>;
using StreamHandler = std::function<awaitable<Status>(Stream& stream)>;

/// The methods a server offers. Filled before serving, then only read: loops share one table.
class Services {
public:
    struct Method {
        std::string service;  // "payment.v1.PaymentService"
        std::string name;     // "CreatePaymentIntent"
        UnaryHandler unary;   // exactly one of the two is set
        StreamHandler stream;
    };

    /// Adds a unary method: `handler(Call&, const Request&) -> awaitable<Reply<Response>>`. A
    /// request that does not parse is refused with INVALID_ARGUMENT before the handler sees it.
    template <class Request, class Response, class Handler>
    void unary(std::string_view service, std::string_view method, Handler handler) {
        add(service, method,
            [handler = std::move(handler)](Call& call, std::string_view request,
                                           std::string& answer) -> awaitable<Status> {
                return serve_unary<Request, Response>(handler, call, request, answer);
            });
    }
    void add(std::string_view service, std::string_view method, UnaryHandler handler);
    void add(std::string_view service, std::string_view method, StreamHandler handler);

    /// Runs `notice` when a server of this table begins to drain, on its loop: for streams that
    /// their clients never end, which would hold the drain until its deadline. A table with notices
    /// belongs to one loop.
    void when_draining(std::function<void()> notice);
    /// For the server.
    void start_draining() const;

    /// By path, "/payment.v1.PaymentService/CreatePaymentIntent"; null when there is none.
    [[nodiscard]] const Method* find(std::string_view path) const;
    /// Full names of the services, sorted: what reflection lists and health knows.
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] const std::map<std::string, Method, std::less<>>& methods() const {
        return methods_;
    }

private:
    template <class Request, class Response, class Handler>
    static awaitable<Status> serve_unary(const Handler& handler, Call& call, std::string_view bytes,
                                         std::string& answer) {
        Request request;
        if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
            co_return Status{Code::InvalidArgument,
                             "bad request: the message is not a valid " + request.GetTypeName()};
        }
        Reply<Response> reply = co_await handler(call, std::as_const(request));
        if (!reply) co_return std::move(reply.error());
        reply->AppendToString(&answer);
        co_return Status{};
    }

    std::map<std::string, Method, std::less<>> methods_;  // by path
    std::vector<std::function<void()>> drain_notices_;
};

}  // namespace florin::grpc
