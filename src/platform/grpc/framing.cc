#include "platform/grpc/framing.h"

#include <array>
#include <charconv>
#include <cstring>

#include <zlib.h>

#include "platform/base/require.h"

namespace florin::grpc {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

Bytef* bytes_of(std::string_view text) {
    // zlib never writes through next_in; its declaration predates const.
    return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

}  // namespace

std::optional<MessagePrefix> read_prefix(std::string_view bytes) {
    const auto at = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[i]));
    };
    if (at(0) > 1) return std::nullopt;
    return MessagePrefix{at(0) == 1, at(1) << 24U | at(2) << 16U | at(3) << 8U | at(4)};
}

void write_prefix(std::string& message, bool compressed) {
    const auto length = static_cast<std::uint32_t>(message.size() - prefix_bytes);
    message[0] = compressed ? 1 : 0;
    for (std::size_t i = 0; i < 4; ++i) {
        message[i + 1] = static_cast<char>(static_cast<std::uint8_t>(length >> (24 - 8 * i)));
    }
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        if (c >= ' ' && c <= '~' && c != '%') {
            out.push_back(c);
            continue;
        }
        const auto byte = static_cast<std::uint8_t>(c);
        out.push_back('%');
        out.push_back(hex_digits[byte >> 4U]);
        out.push_back(hex_digits[byte & 0xFU]);
    }
    return out;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high >= 0 && low >= 0) {
                out.push_back(static_cast<char>(high * 16 + low));
                i += 2;
                continue;
            }
        }
        out.push_back(text[i]);
    }
    return out;
}

std::optional<std::chrono::nanoseconds> parse_timeout(std::string_view text) {
    if (text.size() < 2 || text.size() > 9) return std::nullopt;
    std::int64_t count = 0;
    const char* const end = text.data() + text.size() - 1;
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc{} || stop != end || count < 0 || text[0] == '-') return std::nullopt;
    switch (text.back()) {
        case 'H':
            return std::chrono::hours(std::min<std::int64_t>(count, 1'000'000));
        case 'M':
            return std::chrono::minutes(count);
        case 'S':
            return std::chrono::seconds(count);
        case 'm':
            return std::chrono::milliseconds(count);
        case 'u':
            return std::chrono::microseconds(count);
        case 'n':
            return std::chrono::nanoseconds(count);
        default:
            return std::nullopt;
    }
}

std::string format_timeout(std::chrono::milliseconds timeout) {
    constexpr std::int64_t count_max = 99'999'999;  // eight digits
    if (timeout.count() <= count_max) return std::to_string(timeout.count()) + "m";
    return std::to_string(std::min(timeout.count() / 1'000, count_max)) + "S";
}

std::optional<std::string> decode_binary_header(std::string_view text) {
    while (!text.empty() && text.back() == '=') text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const int value = base64_value(c);
        if (value < 0) return std::nullopt;
        bits = bits << 6U | static_cast<std::uint32_t>(value);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out.push_back(static_cast<char>(static_cast<std::uint8_t>(bits >> held)));
        }
    }
    return out;
}

Reply<std::string> decompress(std::string_view data, std::size_t bytes_max) {
    z_stream stream{};
    constexpr int gzip_or_zlib = 15 + 32;
    require(inflateInit2(&stream, gzip_or_zlib) == Z_OK, "zlib has memory for one stream");
    stream.next_in = bytes_of(data);
    stream.avail_in = static_cast<uInt>(data.size());
    std::string out;
    std::array<char, 16'384> chunk{};
    int code = Z_OK;
    while (code == Z_OK && out.size() <= bytes_max) {
        stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream.avail_out = static_cast<uInt>(chunk.size());
        code = inflate(&stream, Z_NO_FLUSH);
        out.append(chunk.data(), chunk.size() - stream.avail_out);
    }
    const bool complete = code == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (out.size() > bytes_max) {
        return std::unexpected(Status{Code::ResourceExhausted, "the message is larger than " +
                                                                   std::to_string(bytes_max) +
                                                                   " bytes once decompressed"});
    }
    if (!complete) return std::unexpected(Status{Code::Internal, "the message is not valid gzip"});
    return out;
}

std::string gzip(std::string_view data) {
    z_stream stream{};
    constexpr int gzip_window = 15 + 16;
    require(
        deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK,
        "zlib has memory for one stream");
    std::string out(deflateBound(&stream, static_cast<uLong>(data.size())), '\0');
    stream.next_in = bytes_of(data);
    stream.avail_in = static_cast<uInt>(data.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflateBound is an upper bound");
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

}  // namespace florin::grpc
