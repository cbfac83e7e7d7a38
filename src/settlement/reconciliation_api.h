#pragma once

#include "platform/http/admin_access.h"
#include "settlement/business_day.h"

namespace florin {
class Clock;
}
namespace florin::http {
class Router;
}
namespace florin::store {
class Store;
}

namespace florin::settlement {

class GatewayRecords;

/// What the route needs; outlives the router.
struct ReconciliationSettings {
    http::AdminAccess admin;
    BusinessCalendar calendar;
    GatewayRecords* records = nullptr;  // nullptr: no gateway here keeps records
    Milliseconds patience{15'000};      // less than clients wait for an answer
};

/// Adds GET /api/reconciliations to one loop's router, for the operator alone. It compares merchant
/// after merchant until its patience ends, and says where to go on. api/openapi.yaml describes it.
void add_reconciliation_routes(http::Router& router, store::Store& store, const Clock& clock,
                               const ReconciliationSettings& settings);

}  // namespace florin::settlement
