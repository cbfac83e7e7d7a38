#pragma once

#include <expected>
#include <string>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"
#include "settlement/comparison.h"
#include "settlement/gateway_records.h"

namespace florin::store {
class Store;
}

namespace florin::settlement {

/// Compares a merchant's payments of [from, until) that were made with the records' gateway against
/// those records, and adds what it finds to `report`. Reads both sides in pages: memory does not
/// grow with their number. The error says why the gateway did not tell; the report is then
/// incomplete.
awaitable<std::expected<void, std::string>> reconcile(store::Store& store, GatewayRecords& records,
                                                      std::string merchant, Instant from,
                                                      Instant until, ComparisonReport& report);

}  // namespace florin::settlement
