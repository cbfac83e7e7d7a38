#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/roles.h"

namespace florin::app {

/// Whether this instance should get traffic, and what each of its dependencies says. Checks are
/// added at start, before anything asks; asking is thread-safe.
class Readiness {
public:
    /// What is wrong with a dependency, for people; empty when nothing is. Must be thread-safe and
    /// quick: it reports a known state, it does not go and look.
    using Check = std::function<std::string()>;

    explicit Readiness(Roles roles) : roles_(roles) {}

    /// An instance is ready without what it only does better with.
    enum class Need : std::uint8_t { Required, Optional };

    void add(std::string name, Check check, Need need = Need::Required) {
        dependencies_.push_back({std::move(name), std::move(check), need});
    }

    /// From now on the instance is not ready: it finishes what it has.
    void start_draining() { draining_ = true; }

    [[nodiscard]] bool ready() const;
    /// {"status":"ready","role":"all","dependencies":{"store":{"status":"up"}}}; what is optional
    /// says "required":false.
    [[nodiscard]] std::string json() const;

private:
    const Roles roles_;
    struct Dependency {
        std::string name;
        Check check;
        Need need;
    };
    std::vector<Dependency> dependencies_;
    std::atomic<bool> draining_{false};
};

}  // namespace florin::app
