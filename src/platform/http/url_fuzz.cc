#include <cstdint>

#include <boost/asio/ip/address.hpp>

#include "platform/base/require.h"
#include "platform/http/client.h"
#include "platform/http/url.h"

/// What parses, parses again from its parts; a literal host gets an answer from the egress policy.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace http = florin::http;
    const auto url = http::parse_url({reinterpret_cast<const char*>(data), size});
    if (!url) return 0;
    const auto text = url->origin() + url->target;
    // The port that the origin names may lift a URL over the limit.
    if (const auto again = http::parse_url(text)) {
        florin::require(again->origin() == url->origin() && again->target == url->target &&
                            again->authority() == url->authority(),
                        "a URL survives the way through its parts");
    } else {
        florin::require(text.size() > 2'048, "the parts of a URL make a URL");
    }
    boost::system::error_code not_literal;
    const auto address = boost::asio::ip::make_address(url->host, not_literal);
    if (!not_literal) {
        http::allows({.public_only = true, .allowed = {url->host, url->host + "/8", "a"}}, "b",
                     address);
    }
    return 0;
}
