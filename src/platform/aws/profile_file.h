#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace florin::aws {

/// The keys (lower case) and values of one profile.
using Profile = std::map<std::string, std::string, std::less<>>;
using Profiles = std::map<std::string, Profile, std::less<>>;

/// How the two files name their sections: [tacos] and [profile tacos].
enum class ProfileFile : std::uint8_t { Credentials, Config };

/// Adds the profiles of a file's text to `profiles`; keys that are there already stay, so the file
/// that wins is read first. Lines that it does not understand are passed over, as AWS's own tools
/// do.
void add_profiles(Profiles& profiles, std::string_view text, ProfileFile file);

/// The profile of that name, or "default" where that one may stand in for it. Null: none of them.
const Profiles::value_type* find_profile(const Profiles& profiles, const std::string& name,
                                         bool or_default);

/// The value of a key; empty when there is none.
std::string value_of(const Profile& profile, std::string_view key);

}  // namespace florin::aws
