#include "platform/mariadb/link.h"

#include <algorithm>

#include "platform/mariadb/mariadb_store.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

constexpr std::chrono::milliseconds shortest_wait{50};
constexpr std::chrono::milliseconds longest_wait{1'000};

}  // namespace

Link::Link(const Options& options, Use use, Identity& identity, telemetry::Counter reconnects)
    : options_(options),
      use_(use),
      identity_(identity),
      reconnects_(reconnects),
      random_(seed_from_system()) {
    connection_ = std::make_unique<Connection>(options_.address, options_.timeouts, use_,
                                               options_.sequenced_tables);
}

Connection* Link::connection() {
    if (connection_) return connection_.get();
    if (Clock::now() < next_attempt_) return nullptr;
    try {
        auto made = std::make_unique<Connection>(options_.address, options_.timeouts, use_,
                                                 options_.sequenced_tables);
        identity_.verify(*made);
        connection_ = std::move(made);
        reconnects_.add();
        failures_ = 0;
    } catch (const std::runtime_error& fault) {
        reason_ = fault.what();
        const auto wait = std::min(longest_wait, shortest_wait * (1 << std::min(failures_++, 10)));
        // The upper half is random: processes that lost one server together come back apart.
        const std::chrono::duration<double, std::milli> part = wait * (0.5 + random_.unit() / 2);
        next_attempt_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(part);
    }
    return connection_.get();
}

void Link::drop_lost() {
    if (!connection_ || connection_->trouble() != Trouble::Lost) return;
    reason_ = connection_->fault();
    connection_.reset();
    next_attempt_ = {};
    failures_ = 0;
}

std::chrono::milliseconds Link::until_next_attempt() const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_attempt_ - Clock::now());
    return std::max(left, std::chrono::milliseconds(1));
}

}  // namespace florin::mariadb
