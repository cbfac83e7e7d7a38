#pragma once

#include <string>
#include <string_view>

namespace florin {

/// Appends `text` as a JSON string, quotes included; what is not UTF-8 becomes U+FFFD. For hot
/// paths that write a fixed shape; everything else uses a JSON library.
void append_json_string(std::string& out, std::string_view text);

/// "2026-01-02T03:04:05.678Z" of microseconds since the epoch.
void append_rfc3339(std::string& out, long long unix_us);

}  // namespace florin
