#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/base/time.h"

namespace florin {

/// The instant of an RFC 3339 text: "2026-11-21T09:00:00Z", with a fraction or an offset too, or of
/// a date alone, which is its midnight in UTC. Digits behind the microsecond are cut off. Nothing
/// when the text is neither.
std::optional<Instant> parse_instant(std::string_view text);

/// "2026-01-02T03:04:05.678Z": RFC 3339, in UTC.
std::string time_text(Instant at);

}  // namespace florin
