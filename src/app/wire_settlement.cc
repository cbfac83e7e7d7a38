#include "app/wire_settlement.h"

#include <deque>
#include <utility>

#include "app/settings.h"
#include "platform/runtime/loop.h"
#include "settlement/daily_run.h"
#include "settlement/http_api.h"

namespace florin::app {
namespace {

settlement::RunOptions run_options(const Settings& settings) {
    settlement::RunOptions options;
    options.calendar =
        settlement::BusinessCalendar(settings.settlement.utc_offset, settings.settlement.at);
    return options;
}

}  // namespace

struct SettlementParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, const Clock& clock, const Settings& settings,
          telemetry::Metrics& metrics)
        : background(loop),
          store(opened),
          enabled(settings.settlement.enabled),
          admin{settings.server.admin_token, settings.environment == Environment::Production},
          run(background, store, clock, run_options(settings), metrics) {}

    runtime::Loop& background;
    store::Store& store;
    const bool enabled;
    const http::AdminAccess admin;
    settlement::DailyRun run;
    std::deque<settlement::HttpApiSettings> faces;  // one a serving loop: it has its own keys
};

SettlementParts::SettlementParts(runtime::Loop& background, store::Store& store, const Clock& clock,
                                 const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, clock, settings, metrics)) {}

SettlementParts::~SettlementParts() = default;

void SettlementParts::add_face(http::Router& router, payments::Authorization authorization) {
    auto& face = parts_->faces.emplace_back(
        settlement::HttpApiSettings{std::move(authorization), parts_->admin});
    settlement::add_settlement_routes(router, parts_->store, parts_->background, parts_->run, face);
}

void SettlementParts::start() {
    if (parts_->enabled) runtime::spawn(parts_->background, "daily settlement", parts_->run.run());
}

void SettlementParts::stop() {
    parts_->run.stop();
}

}  // namespace florin::app
