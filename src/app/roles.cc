#include "app/roles.h"

#include <array>
#include <utility>

namespace florin::app {
namespace {

constexpr std::string_view all_name = "all";
// The name under which deployments have always started the whole service.
constexpr std::string_view all_name_before = "payment-sim-api";
constexpr std::string_view reservation_worker_name = "reservation-worker";
constexpr std::array<std::pair<std::string_view, Role>, 4> part_names = {
    {{"api", Role::Api},
     {"gateway", Role::Gateway},
     {"worker", Role::Worker},
     {"relay", Role::Relay}}};

std::optional<Role> part_named(std::string_view name) {
    for (const auto& [known, role] : part_names) {
        if (known == name) return role;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Roles> Roles::parse(std::string_view text) {
    if (text == all_name || text == all_name_before) return all();
    if (text == reservation_worker_name) return Roles{Role::ReservationWorker};
    Roles roles{};
    for (;;) {
        const auto comma = text.find(',');
        const auto part = part_named(text.substr(0, comma));
        if (!part) return std::nullopt;
        roles.bits_ |= bit(*part);
        if (comma == std::string_view::npos) return roles;
        text.remove_prefix(comma + 1);
    }
}

std::string Roles::text() const {
    if (*this == all()) return std::string(all_name);
    if (has(Role::ReservationWorker)) return std::string(reservation_worker_name);
    std::string text;
    for (const auto& [name, role] : part_names) {
        if (!has(role)) continue;
        if (!text.empty()) text += ',';
        text += name;
    }
    return text;
}

}  // namespace florin::app
