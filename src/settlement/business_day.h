#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/time.h"

namespace florin::settlement {

/// A date of the calendar by which merchants are settled, counted from 1970-01-01.
struct BusinessDay {
    std::int32_t number = 0;

    constexpr auto operator<=>(const BusinessDay&) const = default;
    [[nodiscard]] constexpr BusinessDay next() const { return {number + 1}; }
    [[nodiscard]] constexpr BusinessDay previous() const { return {number - 1}; }
};

/// "2026-11-21", and back: any date from 0000 to 9999.
std::string text_of(BusinessDay day);
std::optional<BusinessDay> parse_day(std::string_view text);

/// When business days begin and end, and when they are settled.
class BusinessCalendar {
public:
    /// Days begin at midnight, `utc_offset` before UTC's; each is settled `settled_after` its end.
    constexpr BusinessCalendar(std::chrono::minutes utc_offset, std::chrono::minutes settled_after)
        : utc_offset_(utc_offset), settled_after_(settled_after) {}

    [[nodiscard]] BusinessDay day_of(Instant at) const;
    [[nodiscard]] Instant begin_of(BusinessDay day) const;
    [[nodiscard]] Instant end_of(BusinessDay day) const { return begin_of(day.next()); }
    /// When the day is settled.
    [[nodiscard]] Instant due(BusinessDay day) const { return end_of(day) + settled_after_; }
    /// The last day that is due by `now`.
    [[nodiscard]] BusinessDay last_due(Instant now) const;

private:
    std::chrono::minutes utc_offset_;
    std::chrono::minutes settled_after_;
};

}  // namespace florin::settlement
