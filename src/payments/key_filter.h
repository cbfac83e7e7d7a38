#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace florin::payments {

/// Tells of a set of digests which ones are certainly not in it: of a thousand others it takes
/// about two for members. A Bloom filter cut into cache lines (Putze, Sanders, Singler 2007): a
/// look-up reads one. Constant once filled, then safe on every thread.
class KeyFilter {
public:
    /// For that many keys, two bytes each.
    explicit KeyFilter(std::size_t keys);
    /// What `bytes` of another one gave.
    explicit KeyFilter(std::string bytes);

    /// Digests are 16 bytes that are random already.
    void add(std::string_view digest);
    [[nodiscard]] bool may_have(std::string_view digest) const;
    [[nodiscard]] std::string_view bytes() const { return bits_; }

private:
    std::string bits_;
};

}  // namespace florin::payments
