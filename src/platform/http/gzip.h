#pragma once

#include <string>
#include <string_view>

namespace florin::http {

/// Whether an Accept-Encoding value takes gzip (RFC 9110, 12.5.3).
bool accepts_gzip(std::string_view accept_encoding);

/// Whether bodies of this media type usually shrink.
bool is_compressible(std::string_view content_type);

/// The gzip form of `text` (RFC 1952), fast rather than small.
std::string gzip(std::string_view text);

}  // namespace florin::http
