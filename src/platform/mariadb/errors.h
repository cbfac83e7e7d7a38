#pragma once

#include <cstdint>
#include <string_view>

namespace florin::mariadb {

/// What an error of the server or of the client library means.
enum class ErrorKind : std::uint8_t {
    Duplicate,  // a row broke a unique key
    Refusal,    // the statement is to blame: a constraint, a value, wrong SQL
    Collision,  // a deadlock
    Blocked,    // a lock that took too long
    Lost,       // the connection is gone, or leads to a server that cannot write
    NoSpace,    // the server's disk is full
    Fault       // everything else
};

/// By the number of the error and its SQLSTATE (five characters).
ErrorKind kind_of_error(unsigned code, std::string_view state);

/// What to do about a server that does not let us in, as the end of a sentence; null: `code` says
/// only that it cannot be reached now.
const char* advice_on_entry(unsigned code);

}  // namespace florin::mariadb
