#include "app/database_address.h"

#include "platform/base/require.h"

namespace florin::app {
namespace {

using mariadb::Address;

std::expected<Address, std::string> named_address(const Settings::Database& database) {
    if (!database.url.empty()) return mariadb::parse_url(database.url);
    Address address;
    address.host = database.host;
    address.port = database.port;
    address.database = database.name;
    address.user = database.username;
    address.tls = address.on_this_machine() ? mariadb::Tls::Off : mariadb::Tls::Required;
    return address;
}

void apply_tls(Address& address, const Settings::Database& database) {
    switch (database.tls) {
        case DatabaseTls::Auto:
            break;
        case DatabaseTls::Off:
            address.tls = mariadb::Tls::Off;
            break;
        case DatabaseTls::Required:
            address.tls = mariadb::Tls::Required;
            break;
        case DatabaseTls::Verify:
            address.tls = mariadb::Tls::Verify;
            break;
    }
    if (!database.ca_file.empty()) address.ca = database.ca_file;
}

}  // namespace

std::expected<std::optional<Address>, std::string> parse_database_address(
    const Settings::Database& database) {
    if (database.url.empty() && database.host.empty()) return std::nullopt;
    auto address = named_address(database);
    if (!address) return std::unexpected(std::move(address.error()));
    if (address->password.empty()) address->password = database.password;
    apply_tls(*address, database);
    if (!address->ca.empty() && address->tls != mariadb::Tls::Verify)
        return std::unexpected("DB_CA_FILE is for DB_TLS=verify; add it, or leave the file out");
    return std::move(*address);
}

std::optional<Address> database_address(const Settings& settings) {
    auto address = parse_database_address(settings.database);
    require(address.has_value(), "settings are checked");
    return std::move(*address);
}

}  // namespace florin::app
