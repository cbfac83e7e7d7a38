#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace florin::telemetry {

/// The 32 lower-case hex digits of a W3C `traceparent` header (Trace Context, 3.2), when it is
/// valid.
std::optional<std::string_view> trace_id_of(std::string_view traceparent);

/// Chooses a request's trace id: `traceparent`, else a usable `X-Correlation-ID` (1 to 64 of
/// [A-Za-z0-9._-]), else a new one from `entropy`. Pass empty views for absent headers.
std::string choose_trace_id(std::string_view traceparent, std::string_view correlation_id,
                            std::uint64_t entropy);

/// The `traceparent` header of a call that belongs to a trace of ours: sampled, with a parent id
/// made of `entropy`, which differs from call to call. Empty when `trace_id` is no W3C trace id but
/// the X-Correlation-ID of a caller.
std::string traceparent_of(std::string_view trace_id, std::uint64_t entropy);

}  // namespace florin::telemetry
