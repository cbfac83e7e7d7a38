#include "platform/grpc/client_call.h"

#include <charconv>

#include <nghttp2/nghttp2.h>

#include "platform/grpc/framing.h"

namespace florin::grpc {
namespace {

Code parse_code(std::string_view text) {
    int code = -1;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), code);
    const bool known = failed == std::errc() && end == text.data() + text.size() && code >= 0 &&
                       code <= static_cast<int>(Code::Unauthenticated);
    return known ? static_cast<Code>(code) : Code::Unknown;
}

/// What an answer without grpc-status means (grpc/doc/http-grpc-status-mapping.md).
Code code_of_http(std::string_view status) {
    if (status == "400") return Code::Internal;
    if (status == "401") return Code::Unauthenticated;
    if (status == "403") return Code::PermissionDenied;
    if (status == "404") return Code::Unimplemented;
    const bool busy = status == "429" || status == "502" || status == "503" || status == "504";
    return busy ? Code::Unavailable : Code::Unknown;
}

/// What a reset without grpc-status means (grpc/doc/PROTOCOL-HTTP2.md, "Errors").
Code code_of_reset(std::uint32_t http2_error) {
    if (http2_error == NGHTTP2_REFUSED_STREAM) return Code::Unavailable;
    if (http2_error == NGHTTP2_CANCEL) return Code::Cancelled;
    if (http2_error == NGHTTP2_ENHANCE_YOUR_CALM) return Code::ResourceExhausted;
    return http2_error == NGHTTP2_INADEQUATE_SECURITY ? Code::PermissionDenied : Code::Internal;
}

}  // namespace

void ClientCall::take_header(std::string_view name, std::string_view value) {
    if (name == "grpc-status") {
        code = parse_code(value);
    } else if (name == "grpc-message") {
        message = percent_decode(value);
    } else if (name == ":status") {
        http_status = value;
    }
}

void ClientCall::conclude(std::uint32_t http2_error) {
    if (refused) return;
    if (code) {
        status = {*code, std::move(message)};
    } else if (http_status != "200") {
        status = {code_of_http(http_status), "the server answered HTTP " + http_status};
    } else if (http2_error != NGHTTP2_NO_ERROR) {
        refused = http2_error == NGHTTP2_REFUSED_STREAM;
        status = {code_of_reset(http2_error),
                  std::string("the server reset the call: ") + nghttp2_http2_strerror(http2_error)};
    } else {
        status = {Code::Internal, "the server ended the call without a status"};
    }
}

Reply<std::string> ClientCall::take_reply() {
    if (!status.ok()) return std::unexpected(std::move(status));
    const auto prefix = received.size() >= prefix_bytes ? read_prefix(received) : std::nullopt;
    if (!prefix || prefix->compressed || received.size() != prefix_bytes + prefix->length) {
        return std::unexpected(Status{Code::Internal, "the answer is not exactly one message"});
    }
    received.erase(0, prefix_bytes);
    return std::move(received);
}

}  // namespace florin::grpc
