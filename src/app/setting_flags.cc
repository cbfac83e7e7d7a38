#include "app/setting_flags.h"

#include <CLI/CLI.hpp>

#include "app/load_settings.h"
#include "app/setting_table.h"

namespace florin::app {
namespace {

std::string help_of(const Setting& setting) {
    const std::string value = setting.secret ? "" : setting.show(Settings());
    const bool says_default = setting.help.find("default:") != std::string::npos;
    return setting.help + (value.empty() || says_default ? "" : " [" + value + "]");
}

}  // namespace

void SettingFlags::add_to(CLI::App& command) {
    command.add_option("--config", config_file_, "TOML file of settings (also FLORIN_CONFIG)")
        ->type_name("FILE");
    for (const auto& setting : setting_table()) {
        // Every value is taken as text: the same parser as for the other sources judges it.
        std::string& value = given_[setting.name];
        CLI::Option* const option =
            setting.is_switch ? command.add_flag(setting.flag(), value, help_of(setting))
                              : command.add_option(setting.flag(), value, help_of(setting))
                                    ->type_name(setting.name);
        option->group(setting.group);
        options_[setting.name] = option;
    }
}

std::expected<LoadedSettings, std::vector<std::string>> SettingFlags::load() const {
    SettingInputs inputs;
    for (const auto& [name, option] : options_) {
        if (option->count() > 0) inputs.flags[name] = given_.at(name);
    }
    inputs.environment = process_environment();
    const auto named = inputs.environment.find("FLORIN_CONFIG");
    if (!config_file_.empty()) {
        inputs.config_file = config_file_;
    } else if (named != inputs.environment.end() && !named->second.empty()) {
        inputs.config_file = named->second;
    }
    return load_settings(inputs);
}

}  // namespace florin::app
