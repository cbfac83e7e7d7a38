#pragma once

#include <optional>
#include <string>

namespace florin::mariadb {

class Connection;

/// What to say when the server is waiting for space on its disk; nothing: it is not. With a binary
/// log that cannot grow MariaDB neither refuses a commit nor ends it: it looks again every 60
/// seconds, and every other commit stands behind that one. Writes nothing and waits for nobody;
/// sees the connections of its own user. Does not throw: a server that cannot say does not wait.
std::optional<std::string> wait_for_space(Connection& connection);

}  // namespace florin::mariadb
