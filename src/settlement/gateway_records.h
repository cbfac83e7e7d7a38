#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/money.h"
#include "platform/base/time.h"
#include "platform/base/uuid.h"
#include "platform/runtime/awaitable.h"

namespace florin::settlement {

/// One payment as a gateway has recorded it.
struct GatewayRecord {
    enum class Standing : std::uint8_t {
        Open,       // the gateway has not decided
        Paid,       // the customer's money was taken; a part of it may have been given back
        GivenBack,  // all of it was given back
        Failed,     // no money moved
    };
    std::string reference;        // the gateway's own id
    std::optional<Uuid> payment;  // ours, when the record names one
    Money amount;                 // what was authorized
    Standing standing = Standing::Open;
    Instant at;  // when the gateway recorded it: not before the payment was made here
};
std::string_view name_of(GatewayRecord::Standing standing);

struct GatewayRecordPage {
    std::vector<GatewayRecord> records;
    std::string next;  // empty: there are no more
};

/// Port: what a gateway remembers of a merchant's payments. Thread-safe. Calls end by their own
/// deadline.
class GatewayRecords {
public:
    virtual ~GatewayRecords() = default;
    /// The gateway's name, as payments name theirs.
    [[nodiscard]] virtual std::string_view gateway() const = 0;
    /// Newest first; `next` is that of the page before, empty for the first. The error says why the
    /// gateway did not tell.
    virtual awaitable<std::expected<GatewayRecordPage, std::string>> page(std::string merchant,
                                                                          std::string next) = 0;
};

}  // namespace florin::settlement
