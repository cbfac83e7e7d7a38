#include "app/config_command.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/load_settings.h"
#include "app/setting_table.h"

namespace florin::app {
namespace {

constexpr const char* mask = "********";

std::string shown_value(const Setting& setting, const Settings& values) {
    std::string value = setting.show(values);
    return setting.secret && !value.empty() ? mask : value;
}

const char* name_of(SettingSource::Kind kind) {
    switch (kind) {
        case SettingSource::Kind::Default:
            return "default";
        case SettingSource::Kind::File:
            return "file";
        case SettingSource::Kind::EnvFile:
            return "env_file";
        case SettingSource::Kind::Environment:
            return "environment";
        case SettingSource::Kind::Flag:
            return "flag";
    }
    return "";
}

std::string as_json(const LoadedSettings& loaded) {
    boost::json::array settings;
    for (std::size_t i = 0; i < setting_table().size(); ++i) {
        const Setting& setting = setting_table()[i];
        const SettingSource& source = loaded.sources[i];
        settings.push_back(boost::json::object{{"name", setting.name},
                                               {"value", shown_value(setting, loaded.values)},
                                               {"source", name_of(source.kind)},
                                               {"source_detail", source.text},
                                               {"secret", setting.secret}});
    }
    return boost::json::serialize(boost::json::object{{"settings", std::move(settings)}}) + "\n";
}

std::string as_table(const LoadedSettings& loaded) {
    std::size_t name_width = 0;
    std::size_t value_width = 0;
    for (const auto& setting : setting_table()) {
        name_width = std::max(name_width, setting.name.size());
        // One long URL should not push every source off the screen.
        value_width = std::max(
            value_width, std::min<std::size_t>(shown_value(setting, loaded.values).size(), 40));
    }
    std::string text;
    std::string group;
    for (std::size_t i = 0; i < setting_table().size(); ++i) {
        const Setting& setting = setting_table()[i];
        if (setting.group != group) {
            group = setting.group;
            text += (text.empty() ? "" : "\n") + group + ":\n";
        }
        const std::string value = shown_value(setting, loaded.values);
        text += fmt::format("  {:<{}}  {:<{}}  {}\n", setting.name, name_width,
                            value.empty() ? "-" : value, value_width, loaded.sources[i].text);
    }
    return text;
}

}  // namespace

std::string describe_settings(const LoadedSettings& loaded, ConfigForm form) {
    return form == ConfigForm::Json ? as_json(loaded) : as_table(loaded);
}

}  // namespace florin::app
