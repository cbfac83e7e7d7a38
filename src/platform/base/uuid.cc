#include "platform/base/uuid.h"

#include <algorithm>

#include "platform/base/require.h"

namespace florin {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

constexpr bool dash_before(std::size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void put_milliseconds(Uuid& id, std::int64_t ms) {
    for (std::size_t i = 0; i < 6; ++i) {
        id.bytes[i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(ms) >> (40 - 8 * i));
    }
}

}  // namespace

void Uuid::append_to(std::string& out) const {
    std::array<char, 36> text{};
    std::size_t at = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (dash_before(i)) text[at++] = '-';
        text[at++] = hex_digits[bytes[i] >> 4U];
        text[at++] = hex_digits[bytes[i] & 0xFU];
    }
    out.append(text.data(), text.size());
}

std::string Uuid::text() const {
    std::string out;
    append_to(out);
    return out;
}

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) return std::nullopt;
    Uuid id;
    std::size_t at = 0;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        if (dash_before(i) && text[at++] != '-') return std::nullopt;
        const int high = hex_value(text[at++]);
        const int low = hex_value(text[at++]);
        if (high < 0 || low < 0) return std::nullopt;
        id.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return id;
}

Uuid uuid_from_bytes(std::string_view bytes) {
    require(bytes.size() == 16, "a stored id has 16 bytes");
    Uuid id;
    std::ranges::copy(bytes, id.bytes.begin());
    return id;
}

Uuid first_uuid_at(Instant at) {
    Uuid id;
    put_milliseconds(id, std::max<std::int64_t>(unix_ms(at), 0));
    id.bytes[6] = 0x70;
    id.bytes[8] = 0x80;
    return id;
}

Instant time_of(const Uuid& id) {
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) ms = ms << 8 | id.bytes[i];
    return Instant(Milliseconds(ms));
}

Uuid UuidGenerator::next() {
    const std::int64_t now_ms = unix_ms(clock_.now());
    const std::uint64_t high = random_.next();
    if (now_ms > last_ms_) {
        last_ms_ = now_ms;
        // Half the range stays free, so that a busy millisecond can count up without overflowing.
        sequence_ = static_cast<std::uint16_t>(high & 0x7FFU);
    } else if (++sequence_ > 0xFFF) {
        // A clock that stood still or went back: borrow from the next millisecond.
        ++last_ms_;
        sequence_ = 0;
    }
    Uuid id;
    put_milliseconds(id, last_ms_);
    id.bytes[6] = static_cast<std::uint8_t>(0x70U | (sequence_ >> 8U));
    id.bytes[7] = static_cast<std::uint8_t>(sequence_ & 0xFFU);
    const std::uint64_t tail = random_.next();
    for (std::size_t i = 0; i < 8; ++i) {
        id.bytes[8 + i] = static_cast<std::uint8_t>(tail >> (8 * i));
    }
    id.bytes[8] = static_cast<std::uint8_t>(0x80U | (id.bytes[8] & 0x3FU));
    return id;
}

}  // namespace florin
