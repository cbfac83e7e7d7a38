#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/settings.h"

namespace florin::app {

/// Where settings come from, strongest first: flags, environment, .env.local, .env, TOML file.
struct SettingInputs {
    std::map<std::string, std::string> flags;  // by the setting's name: {"GRPC_PORT", "9000"}
    std::map<std::string, std::string> environment;
    std::filesystem::path folder = ".";  // of .env.local and .env, which may be absent
    std::optional<std::filesystem::path> config_file;  // must exist when named
};

/// The environment of this process. Not thread-safe against those who change it.
std::map<std::string, std::string> process_environment();

/// The same for what is no setting, such as the variables of AWS's own tools: where the environment
/// says nothing, what .env.local and .env in `folder` say.
std::map<std::string, std::string> environment_here(const std::filesystem::path& folder = ".");

struct SettingSource {
    enum class Kind : std::uint8_t { Default, File, EnvFile, Environment, Flag };
    Kind kind = Kind::Default;
    std::string text = "default";  // for people: "environment", ".env.local line 3", "--grpc-port"
};

struct LoadedSettings {
    Settings values;
    std::vector<SettingSource> sources;  // of setting_table(), entry by entry
};

/// The settings, or everything that is wrong with them: each complaint names setting, source, value
/// and what is allowed. Reads files; starts nothing.
std::expected<LoadedSettings, std::vector<std::string>> load_settings(const SettingInputs& inputs);

/// The settings a server started in this folder would have, so that its tools match without flags;
/// the defaults when those are not usable.
Settings settings_here();

}  // namespace florin::app
