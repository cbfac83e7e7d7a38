#pragma once

#include <cstddef>
#include <cstdint>

#include "platform/base/time.h"
#include "platform/limits/backoff.h"

namespace florin::leases {
class Leases;
}

namespace florin::broker {

struct ConsumerOptions {
    enum class Start : std::uint8_t { Beginning, End };
    Start start = Start::Beginning;  // of a group that has never begun
    std::size_t batch_messages_max = 256;
    std::size_t batch_bytes_max = 1 << 20;
    /// Of the writer for one batch: what a payment waits for at most because of this group.
    Microseconds batch_time_max{5'000};
    /// Between two batches: lets events gather, and payments through.
    Microseconds batch_pause{2'000};
    /// How often to look without being woken.
    Microseconds look_interval{250'000};
    /// A message whose handling throws so often becomes a dead letter. Faults of the store do not
    /// count: they are tried for ever.
    int attempts_max = 10;
    limits::BackoffPolicy backoff{Milliseconds(100), Milliseconds(30'000)};
    std::uint64_t seed = 1;  // of jitter and of the ids of dead letters
    /// Of processes that share the store: one of them runs the group at a time. Nothing: this one.
    leases::Leases* leases = nullptr;
};

}  // namespace florin::broker
