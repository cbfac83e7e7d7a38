#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "platform/base/random.h"
#include "platform/mariadb/connection.h"
#include "platform/mariadb/identity.h"
#include "platform/telemetry/metrics.h"

namespace florin::mariadb {

struct Options;

/// A connection that comes back: after it was lost the next one is tried at once, then at growing
/// intervals, and is used only when it leads to the same database. Belongs to one thread.
class Link {
public:
    Link(const Options& options, Use use, Identity& identity, telemetry::Counter reconnects);

    /// The connection; tries to connect when there is none and its time has come. Null: there is
    /// none now, `reason` says why.
    Connection* connection();
    /// Forgets the connection when it is lost.
    void drop_lost();
    [[nodiscard]] const std::string& reason() const { return reason_; }
    /// How long until the next attempt makes sense.
    [[nodiscard]] std::chrono::milliseconds until_next_attempt() const;

private:
    using Clock = std::chrono::steady_clock;

    const Options& options_;
    const Use use_;
    Identity& identity_;
    telemetry::Counter reconnects_;
    Random random_;
    std::unique_ptr<Connection> connection_;
    std::string reason_;
    int failures_ = 0;
    Clock::time_point next_attempt_;
};

}  // namespace florin::mariadb
