#pragma once

#include <string>

namespace CLI {
class App;
class Error;
}  // namespace CLI

namespace florin::app {

/// Says what was wrong with the arguments that `parser` refused, and what to type instead.
std::string usage_error(const CLI::App& parser, const CLI::Error& error);

}  // namespace florin::app
