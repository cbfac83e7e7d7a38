#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "payments/payment.h"
#include "platform/base/uuid.h"

namespace florin::loadgen {

/// A payment as an answer shows it. Amounts in minor units.
struct SeenPayment {
    Uuid id;
    payments::State state = payments::State::Ready;
    std::int64_t amount = 0;
    std::int64_t captured = 0;
    std::int64_t refunded = 0;
    /// A sum over the ledger entries shown: equal when they are the same, in whatever order;
    /// another one when an entry is missing, there twice or different. 0: none is shown.
    std::uint64_t entries = 0;

    bool operator==(const SeenPayment&) const = default;
};

/// Nothing when the text is not the JSON of a payment.
std::optional<SeenPayment> parse_payment(std::string_view json);

struct SeenPage {
    std::vector<SeenPayment> payments;
    std::string next;  // cursor of the page after it; empty: this is the last one
};
std::optional<SeenPage> parse_page(std::string_view json);

/// The value of one series ("name" or "name{labels}") in a Prometheus text; 0 when it is not there.
double counter_in(std::string_view metrics, std::string_view series);

}  // namespace florin::loadgen
