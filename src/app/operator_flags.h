#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace florin::app {

/// Adds `dlq` and `ledger` with their subcommands to the parser. When one of them is parsed,
/// `chosen` becomes the function that runs it.
void add_operator_tools(CLI::App& parser, std::function<int()>& chosen);

}  // namespace florin::app
