#pragma once

#include <span>
#include <string_view>

namespace florin::web {

/// A file that the binary carries.
struct Asset {
    std::string_view name;          // its path without the slash: "swagger-ui/swagger-ui.css"
    std::string_view content_type;  // with its charset
    std::string_view hash;          // of its content: names the version
    std::string_view plain;
    std::string_view gzip;
};

std::span<const Asset> assets();

}  // namespace florin::web
