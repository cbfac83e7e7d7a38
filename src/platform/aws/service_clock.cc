#include "platform/aws/service_clock.h"

#include <ctime>
#include <optional>
#include <string>

namespace florin::aws {
namespace {

// Signatures are good for five minutes either way.
constexpr Microseconds tolerance = std::chrono::minutes(4);

std::optional<Instant> parse_http_date(const std::string& text) {
    std::tm parts{};
    if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr)
        return std::nullopt;
    return Instant(Seconds(::timegm(&parts)));
}

}  // namespace

bool ServiceClock::corrects(std::string_view date, Instant signed_at) {
    const auto theirs = parse_http_date(std::string(date));
    if (!theirs || std::chrono::abs(*theirs - signed_at) < tolerance) return false;
    offset_ = *theirs - ours_.now();
    return true;
}

}  // namespace florin::aws
