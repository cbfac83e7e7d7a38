#include "platform/mariadb/lane_health.h"

#include <algorithm>

#include "platform/telemetry/log.h"

namespace florin::mariadb {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_rest{250};
constexpr milliseconds longest_rest{4'000};
// After so long without a failure the disk has room again, as far as anybody knows.
constexpr milliseconds quiet{10'000};

}  // namespace

void LaneHealth::failed(const Failure& failure, Time now) {
    const bool news = !failing_ || failure.cause != failure_.cause;
    if (news) telemetry::error("The database cannot be written", {{"reason", failure.reason}});
    if (failure.cause == Failure::Cause::NoSpace) rest_longer(now);
    failing_ = true;
    failure_ = failure;
    tell(failure.reason);
}

void LaneHealth::rest_longer(Time now) {
    const bool again = rest_ > milliseconds(0) && now - last_full_ < quiet;
    rest_ = again ? std::min(rest_ * 2, longest_rest) : shortest_rest;
    last_full_ = now;
}

void LaneHealth::stored(Proof proof, Time now) {
    if (!failing_) return;
    if (lacks_space() && proof == Proof::NothingNew && now - last_full_ < quiet) return;
    telemetry::info("The database can be written again");
    failing_ = false;
    tell("");
}

milliseconds LaneHealth::rest_left(Time now) const {
    if (!lacks_space()) return milliseconds(0);
    const auto left = std::chrono::ceil<milliseconds>(last_full_ + rest_ - now);
    return std::max(left, milliseconds(0));
}

void LaneHealth::tell(const std::string& fault) {
    const std::scoped_lock lock(mutex_);
    fault_ = fault;
}

std::string LaneHealth::fault() const {
    const std::scoped_lock lock(mutex_);
    return fault_;
}

}  // namespace florin::mariadb
