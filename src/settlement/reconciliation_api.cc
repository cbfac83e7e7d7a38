#include "settlement/reconciliation_api.h"

#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "ledger/ledger.h"
#include "platform/http/server.h"
#include "platform/store/store.h"
#include "settlement/parameters.h"
#include "settlement/reconciliation.h"
#include "settlement/reconciliation_json.h"

namespace florin::settlement {
namespace {

using http::Request;
using http::Response;

constexpr int merchants_a_page = 100;

/// The face of one loop; its handler, which the router owns, shares it.
class ReconciliationApi {
public:
    ReconciliationApi(store::Store& store, const Clock& clock,
                      const ReconciliationSettings& settings)
        : store_(store), clock_(clock), settings_(settings) {}

    awaitable<Response> reconcile_day(Request request) {
        if (auto no = http::refuse_admin(settings_.admin, request)) co_return std::move(*no);
        const auto asked = day_parameter(request, "day");
        if (!asked) co_return asked.error();
        auto merchant = merchant_parameter(request, "merchantId");
        if (!merchant) co_return std::move(merchant.error());
        auto after = merchant_parameter(request, "after");
        if (!after) co_return std::move(after.error());
        const auto today = settings_.calendar.day_of(clock_.now());
        const BusinessDay day = asked->value_or(today.previous());
        if (day > today) co_return not_begun(request, day);
        if (settings_.records == nullptr) co_return no_records(request);
        Reconciled done;
        done.day = day;
        done.gateway = settings_.records->gateway();
        const auto told = merchant->empty() ? co_await compare_all(done, *std::move(after))
                                            : co_await compare_one(done, *std::move(merchant));
        if (!told) co_return gateway_failed(request, told.error());
        co_return http::json(200, reconciliation_json(done));
    }

private:
    using Told = std::expected<void, std::string>;

    awaitable<Told> compare_one(Reconciled& done, std::string merchant) {
        ++done.merchants;
        co_return co_await reconcile(store_, *settings_.records, std::move(merchant),
                                     settings_.calendar.begin_of(done.day),
                                     settings_.calendar.end_of(done.day), done.report);
    }

    awaitable<Told> compare_all(Reconciled& done, std::string after) {
        const auto until = std::chrono::steady_clock::now() + settings_.patience;
        for (;;) {
            const auto page = co_await store_.read([&after](store::Snapshot& snapshot) {
                return ledger::merchants(snapshot, after, merchants_a_page);
            });
            if (page.empty()) co_return Told();
            for (const auto& merchant : page) {
                if (done.merchants > 0 && std::chrono::steady_clock::now() > until) {
                    done.next = after;
                    co_return Told();
                }
                if (auto told = co_await compare_one(done, merchant); !told) co_return told;
                after = merchant;
            }
        }
    }

    [[nodiscard]] Response not_begun(const Request& request, BusinessDay day) const {
        return http::problem(409, "day_not_begun",
                             fmt::format("the business day {} has not begun", text_of(day)),
                             request.trace_id);
    }
    [[nodiscard]] Response no_records(const Request& request) const {
        return http::problem(409, "no_gateway_records",
                             "no gateway here keeps records to compare with: the rules decide in "
                             "process; SIMULATOR_URL names a gateway that does",
                             request.trace_id);
    }
    [[nodiscard]] Response gateway_failed(const Request& request, const std::string& why) const {
        return http::problem(502, "gateway_error",
                             fmt::format("the gateway {} did not tell its records: {}; try again",
                                         settings_.records->gateway(), why),
                             request.trace_id);
    }

    store::Store& store_;
    const Clock& clock_;
    const ReconciliationSettings& settings_;
};

}  // namespace

void add_reconciliation_routes(http::Router& router, store::Store& store, const Clock& clock,
                               const ReconciliationSettings& settings) {
    const auto api = std::make_shared<ReconciliationApi>(store, clock, settings);
    router.add("GET", "/api/reconciliations",
               [api](Request request) { return api->reconcile_day(std::move(request)); });
}

}  // namespace florin::settlement
