#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace florin::crypto {

using Sha256 = std::array<std::uint8_t, 32>;

/// HMAC-SHA256 (RFC 2104) of the concatenation of `parts`, without joining them. Thread-safe.
Sha256 hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts);
Sha256 sha256(std::string_view data);

/// Lower-case hexadecimal; standard Base64 with padding (RFC 4648).
std::string hex(std::span<const std::uint8_t> bytes);
std::string base64(std::span<const std::uint8_t> bytes);

/// Compares in time that depends only on the lengths.
bool equal_constant_time(std::string_view left, std::string_view right);

/// A short keyed fingerprint (BLAKE2b-128), for request fingerprints and opaque tokens.
std::array<std::uint8_t, 16> fingerprint(std::string_view key, std::string_view data);

}  // namespace florin::crypto
