#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace florin::app {

/// Adds `export` and `import` to the parser. When one of them is parsed, `chosen` becomes the
/// function that runs it.
void add_transfer_tools(CLI::App& parser, std::function<int()>& chosen);

}  // namespace florin::app
