#include <algorithm>
#include <cstdint>

#include "platform/base/require.h"
#include "platform/http/readers.h"

/// The bytes of one connection, whose first byte says in what pieces they come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace http = florin::http;
    if (size == 0) return 0;
    const std::size_t piece_bytes = data[0] + 1U;
    std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    using State = http::RequestReader::State;
    http::RequestReader reader(
        {.header_bytes_max = 2'048, .fields_max = 20, .body_bytes_max = 512});
    while (!bytes.empty() && reader.state() != State::Refused) {
        const auto space = reader.space();
        florin::require(!space.empty(), "there is always room for more");
        const auto piece = bytes.substr(0, std::min(piece_bytes, space.size()));
        std::ranges::copy(piece, space.begin());
        bytes.remove_prefix(piece.size());
        reader.received(piece.size());
        while (reader.state() == State::Complete) {
            const bool keep_alive = reader.keep_alive();
            const auto request = reader.take("127.0.0.1", 7);
            if (request) {
                florin::require(request->path == "*" || request->path.starts_with('/'),
                                "a request has a path");
                florin::require(request->body.size() <= 512, "the body's limit holds");
                florin::require(!request->trace_id.empty(), "every request has a trace id");
            } else {
                florin::require(request.error().status >= 400, "a refusal is an error");
            }
            if (!keep_alive) return 0;
            reader.start_next();
        }
    }
    if (reader.state() == State::Refused)
        florin::require(reader.refusal().status >= 400, "a refusal is an error");
    return 0;
}
