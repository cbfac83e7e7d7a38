#include "app/wire_settlement.h"

#include <deque>
#include <utility>

#include "app/grpc_address.h"
#include "app/settings.h"
#include "platform/runtime/loop.h"
#include "settlement/daily_run.h"
#include "settlement/http_api.h"
#include "settlement/reconciliation_api.h"
#include "settlement/simulator_records.h"

namespace florin::app {
namespace {

settlement::RunOptions run_options(const Settings& settings, leases::Leases& leases) {
    settlement::RunOptions options;
    options.leases = &leases;
    options.calendar =
        settlement::BusinessCalendar(settings.settlement.utc_offset, settings.settlement.at);
    return options;
}

/// Nothing when no gateway of this configuration keeps records.
std::unique_ptr<settlement::GatewayRecords> gateway_records(runtime::Loop& loop,
                                                            const Settings::Merchants& settings) {
    if (settings.simulator_url.empty()) return nullptr;
    return std::make_unique<settlement::SimulatorRecords>(
        loop, grpc_address_of(settings.simulator_url, settings.simulator_ca_file),
        settings.gateway_timeout);
}

}  // namespace

struct SettlementParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, leases::Leases& leases, const Clock& time,
          const Settings& settings, telemetry::Metrics& metrics)
        : background(loop),
          store(opened),
          clock(time),
          enabled(settings.settlement.enabled),
          admin{settings.server.admin_token, settings.environment == Environment::Production},
          run(background, store, clock, run_options(settings, leases), metrics),
          records(gateway_records(background, settings.merchants)),
          reconciliation{admin, run.calendar(), records.get()} {}

    runtime::Loop& background;
    store::Store& store;
    const Clock& clock;
    const bool enabled;
    const http::AdminAccess admin;
    settlement::DailyRun run;
    std::unique_ptr<settlement::GatewayRecords> records;
    const settlement::ReconciliationSettings reconciliation;
    std::deque<settlement::HttpApiSettings> faces;  // one a serving loop: it has its own keys
};

SettlementParts::SettlementParts(runtime::Loop& background, store::Store& store,
                                 leases::Leases& leases, const Clock& clock,
                                 const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, leases, clock, settings, metrics)) {}

SettlementParts::~SettlementParts() = default;

void SettlementParts::add_face(http::Router& router,
                               std::shared_ptr<payments::Authorization> authorization) {
    auto& face = parts_->faces.emplace_back(
        settlement::HttpApiSettings{std::move(authorization), parts_->admin});
    settlement::add_settlement_routes(router, parts_->store, parts_->background, parts_->run, face);
    settlement::add_reconciliation_routes(router, parts_->store, parts_->clock,
                                          parts_->reconciliation);
}

void SettlementParts::start() {
    if (parts_->enabled) runtime::spawn(parts_->background, "daily settlement", parts_->run.run());
}

void SettlementParts::stop() {
    parts_->run.stop();
}

}  // namespace florin::app
