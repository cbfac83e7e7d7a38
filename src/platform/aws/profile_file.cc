#include "platform/aws/profile_file.h"

#include <algorithm>
#include <optional>

#include "platform/base/ascii.h"

namespace florin::aws {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/// The profile a section is; nothing for sections of another kind ([sso-session x], [services x]).
std::optional<std::string> profile_of_section(std::string_view line, ProfileFile file) {
    const auto end = line.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = trimmed(line.substr(1, end - 1));
    if (file == ProfileFile::Credentials || name == "default") return std::string(name);
    constexpr std::string_view prefix = "profile";
    if (!name.starts_with(prefix) || name.size() == prefix.size()) return std::nullopt;
    if (!is_blank(name[prefix.size()])) return std::nullopt;
    return std::string(trimmed(name.substr(prefix.size())));
}

std::string_view without_comment(std::string_view value) {
    for (const std::string_view mark : {" #", " ;", "\t#", "\t;"})
        value = value.substr(0, value.find(mark));
    return value;
}

void add_key(Profile& profile, std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view value = trimmed(without_comment(line.substr(equals + 1)));
    profile.try_emplace(lower(trimmed(line.substr(0, equals))), value);
}

}  // namespace

void add_profiles(Profiles& profiles, std::string_view text, ProfileFile file) {
    Profile* current = nullptr;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        // An indented line belongs to the key above it (s3 = …): nothing that we use.
        if (line.empty() || is_blank(line.front())) continue;
        if (line.front() == '#' || line.front() == ';') continue;
        if (line.front() != '[') {
            if (current != nullptr) add_key(*current, line);
            continue;
        }
        const auto name = profile_of_section(line, file);
        current = name ? &profiles[*name] : nullptr;
    }
}

const Profiles::value_type* find_profile(const Profiles& profiles, const std::string& name,
                                         bool or_default) {
    auto found = profiles.find(name);
    if (found == profiles.end() && or_default) found = profiles.find("default");
    return found == profiles.end() ? nullptr : &*found;
}

std::string value_of(const Profile& profile, std::string_view key) {
    const auto found = profile.find(key);
    return found == profile.end() ? std::string() : found->second;
}

}  // namespace florin::aws
