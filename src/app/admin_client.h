#pragma once

#include <string>
#include <string_view>

#include "platform/http/client.h"
#include "platform/runtime/awaitable.h"

namespace boost::json {
class object;
}

namespace florin::app {

/// Where a running server's admin API is, and what lets us in.
struct AdminServer {
    std::string url = "http://localhost:8080";
    std::string token;    // ADMIN_TOKEN; empty: none is sent
    std::string ca_file;  // a root to trust besides the system's
};

struct AdminAnswer {
    unsigned status = 0;
    std::string body;

    [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
    /// Of a problem: what is wrong, for people.
    [[nodiscard]] std::string detail() const;
};

/// The JSON object that was answered. Throws `std::runtime_error`, for people, when the server
/// refused or it is none.
boost::json::object object_of(const AdminAnswer& answer);

/// Calls the admin API of a running server; on one loop.
class AdminClient {
public:
    /// Throws `std::runtime_error` when the URL is none.
    AdminClient(runtime::Loop& loop, const AdminServer& server);

    /// `target` is path and query, `body` JSON or nothing. Throws `std::runtime_error`, with what
    /// to do, when no answer came or the server does not let us in.
    awaitable<AdminAnswer> ask(std::string method, std::string target, std::string body = {});

private:
    const AdminServer server_;
    http::Url base_;
    http::Client client_;
};

/// Percent-encodes what does not stand for itself in a query.
std::string query_text(std::string_view value);

}  // namespace florin::app
