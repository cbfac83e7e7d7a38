#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/consumer.h"
#include "settlement/business_day.h"
#include "settlement/statement.h"

namespace florin::settlement {

/// What a merchant took and gave back on one business day in one currency. It follows the payments
/// at a short distance, for dashboards; what counts are the ledger and the statements.
struct DailySales {
    BusinessDay day;
    std::string currency;
    Line captures;
    Line refunds;
};

/// Adds captures and refunds up from their events, each exactly once.
class DailySalesConsumer final : public broker::Consumer {
public:
    explicit DailySalesConsumer(BusinessCalendar calendar) : calendar_(calendar) {}

    [[nodiscard]] std::string_view group() const override { return "daily-sales"; }
    [[nodiscard]] std::vector<std::string> topics() const override;
    broker::Handled handle(store::Transaction& tx, const broker::Message& message) override;

private:
    const BusinessCalendar calendar_;
};

struct DailySalesFilter {
    std::string merchant;
    std::optional<BusinessDay> from;
    std::optional<BusinessDay> through;
    int limit = 20;
};
/// Last day first.
std::vector<DailySales> list_daily_sales(store::Snapshot& snapshot, const DailySalesFilter& filter);

/// {"merchantId":…,"days":[…]}
std::string daily_sales_json(std::string_view merchant, const std::vector<DailySales>& days);

}  // namespace florin::settlement
