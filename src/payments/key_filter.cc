#include "payments/key_filter.h"

#include <algorithm>
#include <cstring>

#include "platform/base/require.h"

namespace florin::payments {
namespace {

constexpr std::size_t line_bytes = 64;
constexpr unsigned bits_in_line_log2 = 9;
constexpr unsigned probes = 7;  // 63 bits of the digest's second half
constexpr std::size_t bytes_per_key = 2;

/// Where the bits of one digest are.
struct Place {
    std::size_t line;
    std::uint64_t probe_bits;
};

Place place_of(std::string_view digest, std::size_t bytes) {
    std::uint64_t halves[2];
    require(digest.size() == sizeof halves, "a digest has 16 bytes");
    std::memcpy(halves, digest.data(), sizeof halves);
    return {static_cast<std::size_t>(halves[0] % (bytes / line_bytes)) * line_bytes, halves[1]};
}

template <class Visit>
void each_bit(const Place& place, const Visit& visit) {
    std::uint64_t left = place.probe_bits;
    for (unsigned i = 0; i < probes; ++i, left >>= bits_in_line_log2) {
        const auto bit = static_cast<unsigned>(left & ((1U << bits_in_line_log2) - 1));
        visit(place.line + bit / 8, static_cast<unsigned char>(1U << (bit % 8)));
    }
}

}  // namespace

KeyFilter::KeyFilter(std::size_t keys)
    : bits_(std::max<std::size_t>(1, (keys * bytes_per_key + line_bytes - 1) / line_bytes) *
                line_bytes,
            '\0') {}

KeyFilter::KeyFilter(std::string bytes) : bits_(std::move(bytes)) {
    require(!bits_.empty() && bits_.size() % line_bytes == 0, "a filter is whole lines");
}

void KeyFilter::add(std::string_view digest) {
    each_bit(place_of(digest, bits_.size()), [this](std::size_t at, unsigned char bit) {
        bits_[at] = static_cast<char>(static_cast<unsigned char>(bits_[at]) | bit);
    });
}

bool KeyFilter::may_have(std::string_view digest) const {
    bool all = true;
    each_bit(place_of(digest, bits_.size()), [&](std::size_t at, unsigned char bit) {
        all = all && (static_cast<unsigned char>(bits_[at]) & bit) != 0;
    });
    return all;
}

}  // namespace florin::payments
