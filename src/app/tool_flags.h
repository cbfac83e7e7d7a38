#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace florin::app {

/// Adds `pay`, `bench`, `webhook verify` and `webhook listen` to the parser. When one of them is
/// parsed, `chosen` becomes the function that runs it.
void add_tools(CLI::App& parser, std::function<int()>& chosen);

/// Reads "host:port" of the flag --target, or "host" alone. Throws what refuses a flag.
void parse_target(const std::string& text, std::string& host, std::uint16_t& port);

}  // namespace florin::app
