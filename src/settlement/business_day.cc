#include "settlement/business_day.h"

#include <charconv>

#include <fmt/format.h>

namespace florin::settlement {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

}  // namespace

std::string text_of(BusinessDay day) {
    const year_month_day date{sys_days(days(day.number))};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::optional<BusinessDay> parse_day(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    const auto number = [text](std::size_t at, std::size_t count) {
        unsigned value = 0;
        const char* const begin = text.data() + at;
        const auto [stop, error] = std::from_chars(begin, begin + count, value);
        return error == std::errc{} && stop == begin + count ? std::optional(value) : std::nullopt;
    };
    const auto year = number(0, 4);
    const auto month = number(5, 2);
    const auto day = number(8, 2);
    if (!year || !month || !day) return std::nullopt;
    const year_month_day date{std::chrono::year(static_cast<int>(*year)),
                              std::chrono::month(*month), std::chrono::day(*day)};
    if (!date.ok()) return std::nullopt;
    return BusinessDay{static_cast<std::int32_t>(sys_days(date).time_since_epoch().count())};
}

BusinessDay BusinessCalendar::day_of(Instant at) const {
    const auto local = std::chrono::floor<days>(at + utc_offset_);
    return {static_cast<std::int32_t>(local.time_since_epoch().count())};
}

Instant BusinessCalendar::begin_of(BusinessDay day) const {
    return Instant(sys_days(days(day.number))) - utc_offset_;
}

BusinessDay BusinessCalendar::last_due(Instant now) const {
    return day_of(now - settled_after_).previous();
}

}  // namespace florin::settlement
