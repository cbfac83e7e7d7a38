#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"

namespace florin::app {

/// One setting: everything the sources, the help and `florin config` need to know of it.
struct Setting {
    std::string name;   // of the environment variable: "GRPC_PORT"
    std::string group;  // heading in the help
    std::string help;
    std::string allowed;               // completes "give …"
    std::vector<std::string> aliases;  // other names of the environment variable
    bool secret = false;               // never shown, not even in a complaint
    bool has_secret = false;           // `show` leaves a part out: it is not shown as it was given
    bool is_switch = false;            // its flag needs no value
    /// Takes a text from any source; false when it is not allowed, and then changes nothing.
    std::function<bool(Settings&, std::string_view)> assign;
    /// The value as the sources would write it; empty when there is none.
    std::function<std::string(const Settings&)> show;

    /// "--grpc-port"; FLORIN_ROLE is "--role"
    [[nodiscard]] std::string flag() const;
    /// "grpc_port", in a TOML file
    [[nodiscard]] std::string key() const;
};

/// All settings, in the order people should read them. Thread-safe.
const std::vector<Setting>& setting_table();

}  // namespace florin::app
