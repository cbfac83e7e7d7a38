#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/load_settings.h"

/// Rules that look at several settings at once.
namespace florin::app {

/// The secret everybody knows from the documentation: fine on a laptop, refused in production.
inline constexpr std::string_view default_webhook_secret = "payment-sim-dev-secret";
inline constexpr std::size_t production_secret_characters_min = 16;

/// Gives the settings nobody set the default that follows from the others.
void fill_dependent_defaults(LoadedSettings& loaded);

/// What does not fit together, for people; empty when everything does.
std::vector<std::string> broken_rules(const LoadedSettings& loaded);

/// The source of one setting by its name.
const SettingSource& source_of(const LoadedSettings& loaded, std::string_view name);

}  // namespace florin::app
