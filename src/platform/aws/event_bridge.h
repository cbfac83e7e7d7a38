#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/aws/client.h"
#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::aws {

/// What one call of PutEvents takes at most.
inline constexpr std::size_t entries_per_call_max = 10;
inline constexpr std::size_t entry_bytes_max = 256 * 1024;  // of the entries of a call together

/// One event for a bus.
struct EventEntry {
    std::string source;       // "payment-sim-api"
    std::string detail_type;  // "Payment Status Updated"
    std::string detail;       // a JSON object, as text
    std::string bus;          // a name or an ARN

    /// As AWS counts it against `entry_bytes_max`.
    [[nodiscard]] std::size_t bytes() const {
        return source.size() + detail_type.size() + detail.size();
    }
};

/// True for what AWS takes as an EventBusName: a name, or an ARN. Another one spoils every call.
bool is_event_bus(std::string_view name);

/// What the bus said of one entry.
struct EntryResult {
    std::string event_id;    // set when it was taken
    std::string error_code;  // set when it was not
    std::string error_message;
    [[nodiscard]] bool taken() const { return error_code.empty(); }
};

/// PutEvents, for at most `entries_per_call_max` entries. The results are in the entries' order. A
/// failure says that none of them is known to have been taken.
awaitable<Answer<std::vector<EntryResult>>> put_events(Client& client,
                                                       std::vector<EventEntry> entries,
                                                       Milliseconds deadline);

/// How many of the first entries fit into one call, by their bytes: at least one.
std::size_t fitting_one_call(std::span<const std::size_t> entry_bytes);

// The parts that only translate.

std::string put_events_body(std::span<const EventEntry> entries);
Answer<std::vector<EntryResult>> read_put_events_answer(std::string_view json, std::size_t entries);

}  // namespace florin::aws
