#include "settlement/reconciliation.h"

#include <utility>

#include "payments/payment_store.h"
#include "platform/store/store.h"

namespace florin::settlement {
namespace {

constexpr int page_max = 100;

/// The payments of a merchant with one gateway, newest first.
class OurRecords {
public:
    OurRecords(store::Store& store, std::string gateway, std::string merchant, Instant from,
               Instant until)
        : store_(store), gateway_(std::move(gateway)) {
        filter_.merchant = std::move(merchant);
        filter_.from = from;
        filter_.until = until;
        filter_.limit = page_max;
    }

    awaitable<void> give(Comparison& comparison) {
        const auto page = co_await store_.read([this](store::Snapshot& snapshot) {
            return payments::list_payments(snapshot, filter_);
        });
        std::vector<OurRecord> records;
        for (const auto& payment : page.payments) {
            reached_ = std::min(reached_, time_of(payment.id));
            if (payment.gateway != gateway_) continue;
            records.push_back({payment.id, payment.gateway_reference,
                               Money{payment.amount, payment.currency}, payment.state});
        }
        filter_.after = page.next;
        comparison.add(std::move(records), page.next ? reached_ : Instant::min());
    }

private:
    store::Store& store_;
    const std::string gateway_;
    payments::PaymentFilter filter_;
    Instant reached_ = Instant::max();
};

/// What the gateway tells of the same, newest first.
class TheirRecords {
public:
    TheirRecords(GatewayRecords& records, std::string merchant)
        : records_(records), merchant_(std::move(merchant)) {}

    awaitable<std::expected<void, std::string>> give(Comparison& comparison) {
        auto page = co_await records_.page(merchant_, next_);
        if (!page) co_return std::unexpected(std::move(page.error()));
        for (const auto& record : page->records) reached_ = std::min(reached_, record.at);
        const bool more = !page->next.empty();
        if (more && page->next == next_)
            co_return std::unexpected("the gateway answers the same page again");
        next_ = std::move(page->next);
        comparison.add(std::move(page->records), more ? reached_ : Instant::min());
        co_return std::expected<void, std::string>();
    }

private:
    GatewayRecords& records_;
    const std::string merchant_;
    std::string next_;
    Instant reached_ = Instant::max();
};

}  // namespace

awaitable<std::expected<void, std::string>> reconcile(store::Store& store, GatewayRecords& records,
                                                      std::string merchant, Instant from,
                                                      Instant until, ComparisonReport& report) {
    Comparison comparison(from, until, report);
    OurRecords ours(store, std::string(records.gateway()), merchant, from, until);
    TheirRecords theirs(records, std::move(merchant));
    for (;;) {
        switch (comparison.next()) {
            case Comparison::Side::Ours:
                co_await ours.give(comparison);
                break;
            case Comparison::Side::Theirs:
                if (auto told = co_await theirs.give(comparison); !told) co_return told;
                break;
            case Comparison::Side::Neither:
                co_return std::expected<void, std::string>();
        }
    }
}

}  // namespace florin::settlement
