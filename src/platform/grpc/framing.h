#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/status.h"

/// The pieces of gRPC's wire format (grpc/doc/PROTOCOL-HTTP2.md), for server and client alike.
namespace florin::grpc {

/// Before each message: one byte that says whether it is compressed, four of length, big-endian.
constexpr std::size_t prefix_bytes = 5;

struct MessagePrefix {
    bool compressed = false;
    std::uint32_t length = 0;
};

/// Reads a prefix from at least `prefix_bytes` bytes; nothing when its first byte is neither 0
/// nor 1.
std::optional<MessagePrefix> read_prefix(std::string_view bytes);
/// Writes a prefix over the first `prefix_bytes` bytes of `message`.
void write_prefix(std::string& message, bool compressed);

/// `grpc-message`: everything but printable ASCII, and the percent sign, as %XX. Decoding leaves
/// malformed escapes as they are, as the protocol asks.
std::string percent_encode(std::string_view text);
std::string percent_decode(std::string_view text);

/// `grpc-timeout`: one to eight digits and a unit of H M S m u n. Nothing when malformed.
std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text);
std::string format_timeout(std::chrono::milliseconds timeout);

/// Base64 with or without padding, as `-bin` headers have it; nothing when malformed.
std::optional<std::string> decode_binary_header(std::string_view text);

/// Inflates gzip or zlib data to at most `bytes_max`; the error is RESOURCE_EXHAUSTED past that and
/// INTERNAL when the data is broken.
Reply<std::string> decompress(std::string_view data, std::size_t bytes_max);
std::string gzip(std::string_view data);

}  // namespace florin::grpc
