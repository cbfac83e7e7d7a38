#pragma once

#include <string>
#include <string_view>

namespace florin::leases {

/// Port: which of the work that only one process may do at a time is this process's: a relay, the
/// webhooks of one receiver, the daily settlement. Belongs to one loop.
class Leases {
public:
    virtual ~Leases() = default;

    /// Whether the work is this process's, right now. Asking for it makes it wanted: it is taken as
    /// soon as no living process holds it, and held until `leave`. Ask again before each piece of
    /// work, and keep a piece shorter than half a second.
    virtual bool ours(std::string_view work) = 0;

    /// The work is not wanted any more: another process may have it.
    virtual void leave(std::string_view work) = 0;
};

/// Of a process that has its database to itself: everything is its own.
class SoleLeases final : public Leases {
public:
    bool ours(std::string_view /*work*/) override { return true; }
    void leave(std::string_view /*work*/) override {}
};

}  // namespace florin::leases
