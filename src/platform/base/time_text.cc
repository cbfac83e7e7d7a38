#include "platform/base/time_text.h"

#include <algorithm>

#include "platform/base/json_text.h"

namespace florin {
namespace {

/// Reads a text from the front; after the first mismatch everything fails.
class Scanner {
public:
    explicit Scanner(std::string_view text) : rest_(text) {}

    [[nodiscard]] bool ended() const { return rest_.empty(); }
    [[nodiscard]] bool failed() const { return failed_; }

    /// Exactly so many digits.
    int number(std::size_t digits) {
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (!next_is_digit()) return fail();
            value = value * 10 + take_digit();
        }
        return value;
    }
    void expect(char wanted) {
        if (!accept(wanted)) fail();
    }
    bool accept(char wanted) {
        if (rest_.empty() || rest_.front() != wanted) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// The microseconds of one digit or more behind a point.
    int fraction() {
        if (!next_is_digit()) return fail();
        int value = 0;
        for (int place = 100'000; next_is_digit(); place /= 10) value += take_digit() * place;
        return value;
    }

private:
    [[nodiscard]] bool next_is_digit() const {
        return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
    }
    int take_digit() {
        const int value = rest_.front() - '0';
        rest_.remove_prefix(1);
        return value;
    }
    int fail() {
        failed_ = true;
        return 0;
    }

    std::string_view rest_;
    bool failed_ = false;
};

std::optional<Instant> read_date(Scanner& scan) {
    const std::chrono::year year(scan.number(4));
    scan.expect('-');
    const std::chrono::month month(static_cast<unsigned>(scan.number(2)));
    scan.expect('-');
    const std::chrono::day day(static_cast<unsigned>(scan.number(2)));
    const std::chrono::year_month_day date{year, month, day};
    if (scan.failed() || !date.ok()) return std::nullopt;
    return std::chrono::sys_days(date);
}

std::optional<Microseconds> read_time_of_day(Scanner& scan) {
    const int hour = scan.number(2);
    scan.expect(':');
    const int minute = scan.number(2);
    scan.expect(':');
    const int second = scan.number(2);
    const int fraction = scan.accept('.') ? scan.fraction() : 0;
    if (scan.failed() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    // A leap second counts as the second before it: our clock has none.
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + Seconds(std::min(second, 59)) +
           Microseconds(fraction);
}

std::optional<Microseconds> read_offset(Scanner& scan) {
    if (scan.accept('Z') || scan.accept('z')) return Microseconds(0);
    const bool west = scan.accept('-');
    if (!west) scan.expect('+');
    const int hour = scan.number(2);
    scan.expect(':');
    const int minute = scan.number(2);
    if (scan.failed() || hour > 23 || minute > 59) return std::nullopt;
    const std::chrono::minutes offset = std::chrono::hours(hour) + std::chrono::minutes(minute);
    return west ? -offset : offset;
}

}  // namespace

std::optional<Instant> parse_instant(std::string_view text) {
    Scanner scan(text);
    const auto date = read_date(scan);
    if (!date || scan.ended()) return date;
    if (!scan.accept('T') && !scan.accept('t')) return std::nullopt;
    const auto time = read_time_of_day(scan);
    if (!time) return std::nullopt;
    const auto offset = read_offset(scan);
    if (!offset || !scan.ended()) return std::nullopt;
    return *date + *time - *offset;
}

std::string time_text(Instant at) {
    std::string text;
    append_rfc3339(text, unix_us(at));
    return text;
}

}  // namespace florin
