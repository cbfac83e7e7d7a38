#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace florin {

/// An ISO 4217 alphabetic code by its form: three upper-case letters. Which codes exist is policy.
class Currency {
public:
    static constexpr std::optional<Currency> parse(std::string_view code) {
        if (code.size() != 3) return std::nullopt;
        Currency currency;
        for (std::size_t i = 0; i < 3; ++i) {
            if (code[i] < 'A' || code[i] > 'Z') return std::nullopt;
            currency.code_[i] = code[i];
        }
        return currency;
    }
    static constexpr Currency krw() {
        Currency currency;
        currency.code_ = {'K', 'R', 'W'};
        return currency;
    }

    [[nodiscard]] constexpr std::string_view code() const { return {code_.data(), code_.size()}; }
    constexpr auto operator<=>(const Currency&) const = default;

private:
    constexpr Currency() = default;
    std::array<char, 3> code_{};
};

/// An amount in the currency's smallest unit. Compare amounts only within one currency.
struct Money {
    std::int64_t minor = 0;
    Currency currency = Currency::krw();

    constexpr bool operator==(const Money&) const = default;
};

}  // namespace florin
