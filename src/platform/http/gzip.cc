#include "platform/http/gzip.h"

#include <algorithm>

#include <zlib.h>

#include "platform/base/ascii.h"
#include "platform/base/require.h"

namespace florin::http {
namespace {

/// "gzip;q=0" refuses what it names.
bool has_zero_weight(std::string_view parameters) {
    const auto weight = trimmed(parameters);
    if (!weight.starts_with("q=") && !weight.starts_with("Q=")) return false;
    return weight.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
    bool any = false;
    while (!accept_encoding.empty()) {
        const auto item = accept_encoding.substr(0, accept_encoding.find(','));
        accept_encoding.remove_prefix(std::min(item.size() + 1, accept_encoding.size()));
        const auto semicolon = std::min(item.find(';'), item.size());
        const auto coding = trimmed(item.substr(0, semicolon));
        const bool taken = semicolon == item.size() || !has_zero_weight(item.substr(semicolon + 1));
        if (equal_ignoring_case(coding, "gzip")) return taken;
        if (coding == "*") any = taken;
    }
    return any;
}

bool is_compressible(std::string_view content_type) {
    const auto type = trimmed(content_type.substr(0, content_type.find(';')));
    return type.starts_with("text/") || type.ends_with("json") || type.ends_with("xml") ||
           type.ends_with("javascript");
}

std::string gzip(std::string_view text) {
    constexpr int gzip_window = 15 + 16;  // the 16 asks zlib for gzip's header and trailer
    constexpr int memory_level = 8;
    z_stream stream{};
    require(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, memory_level,
                         Z_DEFAULT_STRATEGY) == Z_OK,
            "zlib takes its own constants");
    std::string out(deflateBound(&stream, text.size()), '\0');
    // zlib's interface is older than const; it only reads its input.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const int ended = deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    require(ended == Z_STREAM_END, "the bound that zlib gave holds its output");
    return out;
}

}  // namespace florin::http
