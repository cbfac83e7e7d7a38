#include "settlement/http_api.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "platform/base/json_text.h"
#include "platform/http/list_query.h"
#include "platform/http/server.h"
#include "platform/runtime/run_on.h"
#include "platform/store/store.h"
#include "settlement/daily_run.h"
#include "settlement/daily_sales.h"
#include "settlement/parameters.h"
#include "settlement/statement_json.h"
#include "settlement/statement_store.h"

namespace florin::settlement {
namespace {

using http::Request;
using http::Response;

// Less than clients wait for an answer; who asked asks again.
constexpr Milliseconds run_patience{15'000};

Response not_found(const Request& request) {
    return http::problem(404, "settlement_not_found",
                         "no settlement has the id " +
                             std::string(request.path_value("id").substr(0, 64)) +
                             "; GET /api/settlements lists them",
                         request.trace_id);
}

/// The face of one loop; its handlers, which the router owns, share it.
class SettlementApi {
public:
    using Method = awaitable<Response> (SettlementApi::*)(Request);

    SettlementApi(store::Store& store, runtime::Loop& of_run, DailyRun& run,
                  const HttpApiSettings& settings)
        : store_(store), of_run_(of_run), run_(run), settings_(settings) {}

    awaitable<Response> list(Request request) {
        const bool of_one = !request.query_value("merchantId").value_or("").empty();
        const auto reader = of_one ? co_await reader_of(request) : operator_of(request);
        if (!reader) co_return reader.error();
        auto filter = filter_of(request);
        if (!filter) co_return std::move(filter.error());
        if (auto no = refuse(*reader, filter->merchant)) co_return std::move(*no);
        const auto limit = static_cast<std::size_t>(filter->limit);
        ++filter->limit;  // one more tells whether there is another page
        auto statements = co_await store_.read(
            [&filter](store::Snapshot& snapshot) { return list_statements(snapshot, *filter); });
        const bool more = statements.size() > limit;
        if (more) statements.pop_back();
        co_return http::json(200, statements_json(statements, more));
    }

    awaitable<Response> get(Request request) {
        const auto reader = co_await reader_of(request);
        if (!reader) co_return reader.error();
        const auto id = parse_uuid(request.path_value("id"));
        if (!id) co_return not_found(request);
        const auto statement = co_await store_.read(
            [&id](store::Snapshot& snapshot) { return find_statement(snapshot, *id); });
        if (!statement) co_return not_found(request);
        if (auto no = refuse(*reader, statement->merchant)) co_return std::move(*no);
        co_return http::json(200, statement_json(*statement));
    }

    awaitable<Response> daily_sales(Request request) {
        const auto reader = co_await reader_of(request);
        if (!reader) co_return reader.error();
        auto filter = sales_filter_of(request);
        if (!filter) co_return std::move(filter.error());
        if (auto no = refuse(*reader, filter->merchant)) co_return std::move(*no);
        const auto days = co_await store_.read(
            [&filter](store::Snapshot& snapshot) { return list_daily_sales(snapshot, *filter); });
        co_return http::json(200, daily_sales_json(filter->merchant, days));
    }

    awaitable<Response> settle(Request request) {
        if (auto no = http::refuse_admin(settings_.admin, request)) co_return std::move(*no);
        const auto asked = day_parameter(request, "day");
        if (!asked) co_return asked.error();
        const auto early = switch_parameter(request, "early");
        if (!early) co_return early.error();
        const BusinessDay day = asked->value_or(run_.today().previous());
        const auto settled = co_await runtime::run_on(
            of_run_,
            run_.settle_through(day, *early ? Closing::Early : Closing::AfterItsEnd, run_patience));
        if (!settled) co_return refusal(request, settled.error(), day);
        co_return http::json(settled->done ? 200 : 202,
                             fmt::format(R"({{"day":"{}","done":{},"statements":{}}})",
                                         text_of(day), settled->done, settled->statements));
    }

private:
    /// Who reads: a merchant, its own, or nobody in particular (the operator), everything.
    using Reader = std::expected<std::optional<std::string>, Response>;

    Reader operator_of(const Request& request) {
        if (auto no = http::refuse_admin(settings_.admin, request)) return std::unexpected(*no);
        return std::nullopt;
    }
    awaitable<Reader> reader_of(const Request& request) {
        if (!settings_.authorization) co_return std::nullopt;
        if (!settings_.admin.token.empty()) {
            if (auto reader = operator_of(request)) co_return reader;
        }
        co_return co_await settings_.authorization->authenticate(request, payments::Access::Read);
    }
    std::optional<Response> refuse(const std::optional<std::string>& reader,
                                   const std::string& merchant) {
        if (!reader || *reader == merchant) return std::nullopt;
        return settings_.authorization->other_merchant();
    }

    static Parameter<DailySalesFilter> sales_filter_of(const Request& request) {
        auto merchant = merchant_parameter(request, "merchantId");
        if (!merchant) return std::unexpected(std::move(merchant.error()));
        if (merchant->empty())
            return std::unexpected(
                http::invalid_parameter(request, "merchantId", "the id of a merchant"));
        auto from = day_parameter(request, "from");
        if (!from) return std::unexpected(std::move(from.error()));
        auto through = day_parameter(request, "to");
        if (!through) return std::unexpected(std::move(through.error()));
        auto limit = limit_parameter(request);
        if (!limit) return std::unexpected(std::move(limit.error()));
        return DailySalesFilter{*std::move(merchant), *from, *through, *limit};
    }

    static Parameter<StatementFilter> filter_of(const Request& request) {
        StatementFilter filter;
        auto merchant = merchant_parameter(request, "merchantId");
        if (!merchant) return std::unexpected(std::move(merchant.error()));
        auto from = day_parameter(request, "from");
        if (!from) return std::unexpected(std::move(from.error()));
        auto through = day_parameter(request, "to");
        if (!through) return std::unexpected(std::move(through.error()));
        auto limit = limit_parameter(request);
        if (!limit) return std::unexpected(std::move(limit.error()));
        filter.merchant = *std::move(merchant);
        filter.from = *from;
        filter.through = *through;
        filter.limit = *limit;
        if (const auto cursor = request.query_value("cursor")) {
            filter.before = parse_uuid(*cursor);
            if (!filter.before) {
                return std::unexpected(
                    http::invalid_parameter(request, "cursor", "the nextCursor of another page"));
            }
        }
        return filter;
    }

    [[nodiscard]] Response refusal(const Request& request, RunRefusal why, BusinessDay day) const {
        std::string when;
        append_rfc3339(when, unix_us(why == RunRefusal::NotBegun ? run_.calendar().begin_of(day)
                                                                 : run_.calendar().end_of(day)));
        switch (why) {
            case RunRefusal::NotBegun:
                return http::problem(409, "day_not_begun",
                                     fmt::format("the business day {} begins at {}; ask for {} or "
                                                 "earlier",
                                                 text_of(day), when, text_of(run_.today())),
                                     request.trace_id);
            case RunRefusal::NotEnded:
                return http::problem(409, "day_not_ended",
                                     fmt::format("the business day {} ends at {}; with early=true "
                                                 "it is closed now, and what comes later today is "
                                                 "in the next statement",
                                                 text_of(day), when),
                                     request.trace_id);
        }
        return http::problem(500, "internal_error", "this build has no words for what happened",
                             request.trace_id);
    }

    store::Store& store_;
    runtime::Loop& of_run_;
    DailyRun& run_;
    const HttpApiSettings& settings_;
};

}  // namespace

void add_settlement_routes(http::Router& router, store::Store& store, runtime::Loop& of_run,
                           DailyRun& run, const HttpApiSettings& settings) {
    const auto api = std::make_shared<SettlementApi>(store, of_run, run, settings);
    const auto add = [&](const char* method, const char* path, SettlementApi::Method handler) {
        router.add(method, path, [api, handler](Request request) {
            return (api.get()->*handler)(std::move(request));
        });
    };
    add("GET", "/api/settlements", &SettlementApi::list);
    add("GET", "/api/settlements/{id}", &SettlementApi::get);
    add("GET", "/api/daily-sales", &SettlementApi::daily_sales);
    add("POST", "/api/settlements/run", &SettlementApi::settle);
}

}  // namespace florin::settlement
