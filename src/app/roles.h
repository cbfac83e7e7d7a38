#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace florin::app {

/// What a process may be for.
enum class Role : std::uint8_t {
    Api,      // merchants' payments over HTTP
    Gateway,  // the simulated gateway: gRPC, its admin API and payment pages
    Worker,   // what falls due: outcomes, webhooks, recovery, settlement, consumers, deletion
    Relay,    // events on their way to other systems
    ReservationWorker  // a process of its own, with a store of its own
};

/// The roles of one process: some of the service's parts, or the reservation worker alone.
class Roles {
public:
    /// Every part of the service in one process.
    static constexpr Roles all() { return {Role::Api, Role::Gateway, Role::Worker, Role::Relay}; }
    constexpr Roles(std::initializer_list<Role> roles) {
        for (const Role role : roles) bits_ |= bit(role);
    }

    /// "all", "api,worker" in any order, or "reservation-worker"; nothing when it is none of them.
    /// "payment-sim-api" is all.
    static std::optional<Roles> parse(std::string_view text);
    /// As `parse` reads it, by commas, in a fixed order.
    [[nodiscard]] std::string text() const;

    [[nodiscard]] constexpr bool has(Role role) const { return (bits_ & bit(role)) != 0; }
    /// gRPC calls are answered here.
    [[nodiscard]] constexpr bool serve_grpc() const { return has(Role::Gateway); }
    /// HTTP requests of clients are answered here.
    [[nodiscard]] constexpr bool serve_http() const { return has(Role::Api) || has(Role::Gateway); }
    bool operator==(const Roles&) const = default;

private:
    static constexpr std::uint8_t bit(Role role) {
        return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
    }

    std::uint8_t bits_ = 0;
};

}  // namespace florin::app
