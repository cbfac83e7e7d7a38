#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace florin::app {

/// Adds `demo` and its subcommands to the parser. When one of them is parsed, `chosen` becomes the
/// function that runs it.
void add_demo_tools(CLI::App& parser, std::function<int()>& chosen);

}  // namespace florin::app
