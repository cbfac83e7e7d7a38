#pragma once

#include <cstdint>

namespace florin::http {
class Router;
}

namespace florin::web {

/// Where the other faces of this process listen; 0: it has none.
struct StartPagePorts {
    std::uint16_t grpc;
    std::uint16_t health;
};

/// Adds the page at "/": what runs here and where to go next, in English and Korean.
void add_start_page(http::Router& router, StartPagePorts ports);

}  // namespace florin::web
