#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace florin::app {

/// Lets a server listen; returns its port. What it throws when it cannot also names the settings
/// that choose another place.
template <class Server>
std::uint16_t listen(Server& server, const std::string& port_setting) {
    try {
        return server.listen();
    } catch (const std::runtime_error& fault) {
        throw std::runtime_error(std::string(fault.what()) + "; " + port_setting +
                                 " and BIND_ADDRESS choose another place");
    }
}

}  // namespace florin::app
