#include "gateway/webhooks/retry.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace florin::gateway {
namespace {

constexpr std::int64_t seconds_max = 1'000'000'000;

std::optional<int> number(std::string_view text) {
    int value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that senders may still make.
std::optional<Instant> parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
        text[19] != ':' || text[22] != ':') {
        return std::nullopt;
    }
    const auto month = std::ranges::find(months, text.substr(8, 3));
    const auto day = number(text.substr(5, 2));
    const auto year = number(text.substr(12, 4));
    const auto hour = number(text.substr(17, 2));
    const auto minute = number(text.substr(20, 2));
    const auto second = number(text.substr(23, 2));
    if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    const std::chrono::year_month_day date(
        std::chrono::year(*year),
        std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
        std::chrono::day(static_cast<unsigned>(*day)));
    if (!date.ok()) return std::nullopt;
    return Instant(std::chrono::sys_days(date)) + std::chrono::hours(*hour) +
           std::chrono::minutes(*minute) + Seconds(*second);
}

}  // namespace

std::optional<Milliseconds> parse_retry_after(std::string_view value, Instant now) {
    std::int64_t seconds = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc{} && stop == value.data() + value.size()) {
        if (seconds < 0) return std::nullopt;
        return Seconds(std::min(seconds, seconds_max));
    }
    const auto date = parse_http_date(value);
    if (!date) return std::nullopt;
    return std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(*date - now));
}

std::optional<Instant> next_attempt(const RetryPolicy& policy, const SendResult& result,
                                    int attempts, Instant now, Random& random) {
    constexpr int gone = 410;
    if (result.permanent || result.http_status == gone || attempts >= policy.attempts_max)
        return std::nullopt;
    const int doublings = std::min(attempts - 1, 20);
    const auto full =
        std::min(policy.backoff_max, policy.backoff_base * (std::int64_t{1} << doublings));
    auto wait = std::chrono::round<Milliseconds>(full * (0.5 + 0.5 * random.unit()));
    if (const auto asked = parse_retry_after(result.retry_after, now)) {
        wait = std::max(wait, std::min(*asked, policy.retry_after_max));
    }
    return now + wait;
}

}  // namespace florin::gateway
