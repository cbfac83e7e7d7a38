#include "platform/mariadb/disk_space.h"

#include <stdexcept>

#include "platform/mariadb/connection.h"

namespace florin::mariadb {
namespace {

constexpr store::Sql waiting_sql(
    "SELECT count(*) FROM information_schema.processlist"
    " WHERE state = 'Waiting for someone to free space'");

}  // namespace

std::optional<std::string> wait_for_space(Connection& connection) {
    try {
        if (connection.number(waiting_sql) == 0) return std::nullopt;
    } catch (const std::runtime_error&) {
        connection.roll_back();
        return std::nullopt;
    }
    return "the disk of the database " + connection.place() +
           " is full: it waits for space, and looks for it once a minute";
}

}  // namespace florin::mariadb
