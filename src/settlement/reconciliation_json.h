#pragma once

#include <string>
#include <string_view>

#include "settlement/business_day.h"
#include "settlement/comparison.h"

namespace florin::settlement {

/// What one request has compared.
struct Reconciled {
    BusinessDay day;
    std::string gateway;
    std::int64_t merchants = 0;
    std::string next;  // the last merchant, when there are more; else empty
    ComparisonReport report;
};
std::string reconciliation_json(const Reconciled& reconciled);

}  // namespace florin::settlement
