#pragma once

#include <memory>
#include <string>

namespace florin::store {
class Store;
}
namespace florin::telemetry {
class Metrics;
}

namespace florin::app {

struct Settings;

/// Opens the database the settings name, brought up to date: MariaDB, else SQLite in DATA_DIR or in
/// memory. Waits a few seconds for a server that is not there yet. Throws `StoreFault`, also where
/// DB_MIGRATE leaves migrations to others and some are missing.
std::unique_ptr<store::Store> open_store(const Settings& settings, telemetry::Metrics& metrics);

/// Where it is, for people and logs: no secrets.
std::string store_place(const Settings& settings);

}  // namespace florin::app
