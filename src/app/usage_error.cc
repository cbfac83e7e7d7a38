#include "app/usage_error.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace florin::app {
namespace {

/// The command that the arguments had come to.
const CLI::App& innermost(const CLI::App& parser) {
    const auto parsed = parser.get_subcommands();
    return parsed.empty() ? parser : innermost(*parsed.back());
}

std::string path_of(const CLI::App& command) {
    const CLI::App* const parent = command.get_parent();
    return parent == nullptr ? command.get_name() : path_of(*parent) + " " + command.get_name();
}

/// How many letters to add, drop or replace to make one text of the other.
std::size_t distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < from.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < to.size(); ++j) {
            const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
        }
    }
    return row.back();
}

/// The name that was probably meant; empty when none is near.
std::string nearest(std::string_view given, const std::vector<std::string>& names) {
    constexpr std::size_t slips_max = 3;
    std::string best;
    std::size_t least = std::min(slips_max, given.size() / 3) + 1;
    for (const auto& name : names) {
        const std::size_t slips = distance(given, name);
        if (slips >= least) continue;
        least = slips;
        best = name;
    }
    return best;
}

std::vector<std::string> flags_of(const CLI::App& command) {
    std::vector<std::string> flags;
    for (const auto* option : command.get_options()) {
        for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
    }
    return flags;
}

std::vector<std::string> commands_of(const CLI::App& command) {
    std::vector<std::string> names;
    for (const auto* one : command.get_subcommands(nullptr)) names.push_back(one->get_name());
    return names;
}

/// What was given and nobody takes; a flag rather than a value that may have been a flag's.
std::string not_taken(const CLI::App& parser) {
    const auto left = parser.remaining(true);
    const auto flag = std::ranges::find_if(left, [](const auto& s) { return s.starts_with('-'); });
    if (flag != left.end()) return flag->substr(0, flag->find('='));
    return left.empty() ? "" : left.front();
}

std::string what_is_wrong(const CLI::App& parser, const CLI::App& command,
                          const CLI::Error& error) {
    const std::string given = not_taken(parser);
    const auto commands = commands_of(command);
    if (given.starts_with('-')) {
        const auto meant = nearest(given, flags_of(command));
        return fmt::format("there is no flag {}{}", given,
                           meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
    }
    if (!given.empty() && commands.empty()) return fmt::format("\"{}\" is too much", given);
    if (!commands.empty() && command.get_subcommands().empty()) {
        const auto problem = given.empty() ? std::string("name a command")
                                           : fmt::format("there is no command \"{}\"", given);
        return fmt::format("{}: {}", problem, fmt::join(commands, ", "));
    }
    return error.what();
}

}  // namespace

std::string usage_error(const CLI::App& parser, const CLI::Error& error) {
    const CLI::App& command = innermost(parser);
    return fmt::format("florin: {}\n`{} --help` says what it takes.\n",
                       what_is_wrong(parser, command, error), path_of(command));
}

}  // namespace florin::app
