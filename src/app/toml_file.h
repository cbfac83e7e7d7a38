#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace florin::app {

struct TomlEntry {
    std::string key;  // tables joined by '_': [webhook] secret is "webhook_secret"
    std::string value;
    std::size_t line = 0;  // from 1
};

/// Flattens the text of a TOML file to the values it sets; arrays are joined with commas. The error
/// says what is wrong and on which line. Thread-safe.
std::expected<std::vector<TomlEntry>, std::string> parse_toml(std::string_view text);

}  // namespace florin::app
