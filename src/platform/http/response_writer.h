#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "platform/http/message.h"

namespace florin::http {

/// What a response has to know of its request.
struct ResponseFraming {
    unsigned version = 11;
    bool head = false;  // the request was HEAD: the length of a body, but no body
    bool keep_alive = true;
    bool gzip = false;  // the client takes it
    std::string_view trace_id;
};

/// Writes heads of responses (RFC 9112, 4 and 6). One per server loop: it remembers the date.
class ResponseWriter {
public:
    /// Puts the head into `out` and prepares `response.body` to follow it: compressed where that
    /// pays, empty where none may follow. Framing is the server's business: a handler's
    /// Content-Length, Connection, Transfer-Encoding and Date, and fields that hold line breaks,
    /// are left out.
    void write(std::string& out, Response& response, const ResponseFraming& framing);

private:
    std::string_view date();

    std::chrono::sys_seconds dated_{};
    std::string date_;
};

}  // namespace florin::http
