#pragma once

#include <expected>
#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace florin::app {

struct LoadedSettings;

/// The flags of every setting on one command, and the settings they lead to. The command's parser
/// refers to this object, and this object to the parser: both live equally long.
class SettingFlags {
public:
    SettingFlags() = default;
    SettingFlags(const SettingFlags&) = delete;
    SettingFlags& operator=(const SettingFlags&) = delete;

    void add_to(CLI::App& command);

    /// The settings from these flags and all other sources.
    [[nodiscard]] std::expected<LoadedSettings, std::vector<std::string>> load() const;

private:
    std::map<std::string, std::string> given_;  // its texts are where the parser writes
    std::map<std::string, CLI::Option*> options_;
    std::string config_file_;
};

}  // namespace florin::app
