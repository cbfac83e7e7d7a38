#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace florin::app {

struct AdminServer;
struct Settings;

/// The flags that say where a running server is, and their defaults: the one of this folder.
void add_server(CLI::App& command, AdminServer& server);

/// The flags that name a database, and their defaults: that of a server here.
void add_database(CLI::App& command, Settings& settings);

/// Adds `dlq`, `keys` and `ledger` with their subcommands to the parser. When one of them is
/// parsed, `chosen` becomes the function that runs it.
void add_operator_tools(CLI::App& parser, std::function<int()>& chosen);

}  // namespace florin::app
