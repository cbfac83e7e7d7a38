#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "platform/http/message.h"

namespace florin::http {

/// Why a request is answered by the server itself, with which problem.
struct Refusal {
    unsigned status = 400;
    std::string code;
    std::string detail;
};

struct RequestReaderLimits {
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t fields_max = 100;
    std::size_t body_bytes_max = 1024 * 1024;
};

/// Turns the bytes of one connection into requests (RFC 9112), one after the other. Knows no
/// sockets: the caller reads into `space`, says so with `received`, and looks at `state`. Bytes of
/// the following request, sent ahead, are kept for it.
class RequestReader {
public:
    enum class State : std::uint8_t { Head, Body, Complete, Refused };

    explicit RequestReader(RequestReaderLimits limits);
    ~RequestReader();
    RequestReader(RequestReader&&) noexcept;
    RequestReader(const RequestReader&) = delete;
    RequestReader& operator=(const RequestReader&) = delete;

    /// Room for more bytes, never empty.
    std::span<char> space();
    void received(std::size_t size);

    [[nodiscard]] State state() const;
    /// A byte of the current request has come.
    [[nodiscard]] bool begun() const;
    /// The head asks for "100 Continue" before the body (only in state Body).
    [[nodiscard]] bool expects_continue() const;
    /// The answer may be followed by another one on this connection.
    [[nodiscard]] bool keep_alive() const;
    /// 10 or 11.
    [[nodiscard]] unsigned version() const;
    /// In state Refused; nothing more can be read from the connection.
    [[nodiscard]] const Refusal& refusal() const;

    /// In state Complete: the request, with its target decoded and its trace id chosen (a new one
    /// comes from `entropy`). A refusal here spoils only this request, not the connection.
    std::expected<Request, Refusal> take(std::string_view peer, std::uint64_t entropy);
    /// Goes on to the next request, which may be complete at once.
    void start_next();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Turns the bytes of one connection into one response, cut at a limit.
class ResponseReader {
public:
    enum class State : std::uint8_t { Reading, Complete, Cut, Broken };

    /// `head`: the request was HEAD, no body follows.
    ResponseReader(std::size_t body_bytes_max, bool head);
    ~ResponseReader();
    ResponseReader(const ResponseReader&) = delete;
    ResponseReader& operator=(const ResponseReader&) = delete;

    /// Ready for the answer to another request on the same connection.
    void restart(bool head);
    std::span<char> space();
    void received(std::size_t size);
    /// The server closed the connection, which may be the end of the body.
    void ended();

    [[nodiscard]] State state() const;
    /// A byte of the answer has come.
    [[nodiscard]] bool begun() const;
    /// The head of the final answer is complete.
    [[nodiscard]] bool has_head() const;
    /// The connection can carry another exchange (only in state Complete).
    [[nodiscard]] bool reusable() const;
    /// Why it is Broken, for people.
    [[nodiscard]] const std::string& fault() const;

    [[nodiscard]] unsigned status() const;
    Headers take_headers();
    std::string take_body();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace florin::http
