#pragma once

#include <string>
#include <vector>

#include "merchants/key_service.h"

/// Keys as the operator's API shows them.
namespace florin::merchants {

/// Without its text, which nothing keeps.
std::string key_json(const ApiKey& key, Instant now);
/// With its text: the one time it is shown.
std::string issued_json(const IssuedKey& issued, Instant now);
/// The same, and the key it replaces.
std::string rotated_json(const RotatedKey& rotated, Instant now);
/// `more`: there is another page behind the last one.
std::string keys_json(const std::vector<ApiKey>& keys, bool more, Instant now);

}  // namespace florin::merchants
