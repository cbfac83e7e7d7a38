#pragma once

#include <cstdint>
#include <string>

namespace florin::app {

struct LoadedSettings;

enum class ConfigForm : std::uint8_t { Table, Json };

/// Each setting with its value and where that came from; secrets are masked.
std::string describe_settings(const LoadedSettings& loaded, ConfigForm form);

}  // namespace florin::app
