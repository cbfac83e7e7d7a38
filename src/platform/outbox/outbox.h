#pragma once

#include <string>

#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/store/session.h"

namespace florin::outbox {

/// One fact about an aggregate, as a CloudEvents 1.0 envelope in JSON.
struct Event {
    Uuid id;
    std::string type;            // "payment.completed"
    std::string aggregate_type;  // "payment"
    std::string aggregate_id;    // the key: events of one aggregate stay in order
    std::string payload;
    Instant at;
};

/// Adds an event to the log, in the transaction of the change it tells of.
void append(store::Transaction& tx, const Event& event);

/// The CloudEvents envelope around `data`, which is JSON already. `source` is a URI reference.
std::string cloud_event(const Event& event, std::string_view source, std::string_view trace_id,
                        std::string_view data);

}  // namespace florin::outbox
