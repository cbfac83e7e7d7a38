#include "app/load_settings.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <ranges>
#include <string_view>

#include <fmt/format.h>
#include <unistd.h>

#include "app/env_file.h"
#include "app/setting_rules.h"
#include "app/setting_table.h"
#include "app/toml_file.h"

namespace florin::app {
namespace {

using Kind = SettingSource::Kind;

struct Given {
    std::string value;
    SettingSource source;
};

/// What the sources say, before anything is parsed: by the setting's name.
using GivenValues = std::map<std::string, Given>;

std::optional<std::string> read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file || std::filesystem::is_directory(path)) return std::nullopt;
    return std::string((std::istreambuf_iterator<char>(file)), {});
}

class Loader {
public:
    void take_config_file(const std::filesystem::path& path);
    void take_env_file(const std::filesystem::path& path);
    void take_environment(const std::map<std::string, std::string>& environment);
    void take_flags(const std::map<std::string, std::string>& flags);
    std::expected<LoadedSettings, std::vector<std::string>> finish();

private:
    void assign_all(LoadedSettings& loaded);

    GivenValues given_;
    std::vector<std::string> complaints_;
};

/// The setting that reads this environment variable.
const Setting* by_environment_name(std::string_view name) {
    const auto& table = setting_table();
    const auto found = std::ranges::find_if(table, [&](const Setting& setting) {
        return setting.name == name ||
               std::ranges::find(setting.aliases, name) != setting.aliases.end();
    });
    return found == table.end() ? nullptr : &*found;
}

const Setting* by_key(std::string_view key) {
    const auto& table = setting_table();
    const auto found = std::ranges::find(table, key, &Setting::key);
    return found == table.end() ? nullptr : &*found;
}

void Loader::take_config_file(const std::filesystem::path& path) {
    const auto text = read_file(path);
    if (!text) {
        complaints_.push_back("--config (or FLORIN_CONFIG): cannot read \"" + path.string() +
                              "\"; give a TOML file");
        return;
    }
    const auto entries = parse_toml(*text);
    if (!entries) {
        complaints_.push_back(fmt::format("{} {}", path.string(), entries.error()));
        return;
    }
    for (const auto& [key, value, line] : *entries) {
        const std::string where = fmt::format("{} line {}", path.string(), line);
        if (const auto* setting = by_key(key)) {
            given_[setting->name] = {value, {Kind::File, where}};
        } else {
            complaints_.push_back(fmt::format(
                "{}: there is no setting \"{}\"; `florin config` lists them", where, key));
        }
    }
}

void Loader::take_env_file(const std::filesystem::path& path) {
    const auto text = read_file(path);
    if (!text) return;
    const EnvFile file = parse_env_file(*text);
    const std::string name = path.filename().string();
    for (const auto& error : file.errors) complaints_.push_back(fmt::format("{} {}", name, error));
    for (const auto& [variable, value, line] : file.entries) {
        // Others' variables are welcome there: the file also feeds shells and containers.
        if (const auto* setting = by_environment_name(variable)) {
            given_[setting->name] = {value, {Kind::EnvFile, fmt::format("{} line {}", name, line)}};
        }
    }
}

void Loader::take_environment(const std::map<std::string, std::string>& environment) {
    const auto take = [&](const Setting& setting, const std::string& variable,
                          const std::string& text) {
        const auto found = environment.find(variable);
        if (found == environment.end()) return;
        given_[setting.name] = {found->second, {Kind::Environment, text}};
    };
    for (const auto& setting : setting_table()) {
        for (const auto& alias : setting.aliases) take(setting, alias, "environment " + alias);
        take(setting, setting.name, "environment");
    }
}

void Loader::take_flags(const std::map<std::string, std::string>& flags) {
    for (const auto& setting : setting_table()) {
        const auto found = flags.find(setting.name);
        if (found == flags.end()) continue;
        given_[setting.name] = {found->second, {Kind::Flag, setting.flag()}};
    }
}

void Loader::assign_all(LoadedSettings& loaded) {
    const auto& table = setting_table();
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto found = given_.find(table[i].name);
        if (found == given_.end()) continue;
        const auto& [value, source] = found->second;
        if (table[i].assign(loaded.values, value)) {
            loaded.sources[i] = source;
        } else {
            const bool hidden = table[i].secret || table[i].has_secret;
            const std::string shown = hidden ? "the value" : '"' + value + '"';
            complaints_.push_back(table[i].name + " (" + source.text + "): " + shown +
                                  " is not allowed; give " + table[i].allowed);
        }
    }
}

std::expected<LoadedSettings, std::vector<std::string>> Loader::finish() {
    LoadedSettings loaded;
    loaded.sources.resize(setting_table().size());
    assign_all(loaded);
    fill_dependent_defaults(loaded);
    std::ranges::move(broken_rules(loaded), std::back_inserter(complaints_));
    if (!complaints_.empty()) return std::unexpected(std::move(complaints_));
    return loaded;
}

}  // namespace

std::map<std::string, std::string> process_environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

std::map<std::string, std::string> environment_here(const std::filesystem::path& folder) {
    auto variables = process_environment();
    for (const char* name : {".env.local", ".env"}) {
        const EnvFile file = parse_env_file(read_file(folder / name).value_or(""));
        for (const auto& entry : std::views::reverse(file.entries))  // the last of a name wins
            variables.try_emplace(entry.name, entry.value);
    }
    return variables;
}

std::expected<LoadedSettings, std::vector<std::string>> load_settings(const SettingInputs& inputs) {
    Loader loader;  // weakest source first: the later ones replace what it said
    if (inputs.config_file) loader.take_config_file(*inputs.config_file);
    loader.take_env_file(inputs.folder / ".env");
    loader.take_env_file(inputs.folder / ".env.local");
    loader.take_environment(inputs.environment);
    loader.take_flags(inputs.flags);
    return loader.finish();
}

Settings settings_here() {
    SettingInputs inputs;
    inputs.environment = process_environment();
    const auto loaded = load_settings(inputs);
    return loaded ? loaded->values : Settings();
}

}  // namespace florin::app
