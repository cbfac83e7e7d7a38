#include "app/wire_seats.h"

#include "app/settings.h"
#include "platform/runtime/loop.h"
#include "seats/expiry.h"
#include "seats/grpc_api.h"
#include "seats/http_api.h"
#include "seats/local_services.h"

namespace florin::app {
namespace {

seats::ServiceSettings service_settings(const Settings& settings) {
    const bool strict = settings.environment == Environment::Production;
    return {.hold_for = settings.seats.hold_for,
            .hold_for_max = settings.seats.hold_for_max,
            .unknown_events = strict ? seats::UnknownEvents::Refuse : seats::UnknownEvents::Open};
}

}  // namespace

struct SeatParts::Parts {
    Parts(runtime::Loop& loop, store::Store& opened, const Clock& time, const Settings& settings,
          telemetry::Metrics& measured)
        : background(loop),
          store(opened),
          clock(time),
          metrics(measured),
          retention(settings.storage.retention),
          service(service_settings(settings)),
          admin{settings.server.admin_token, settings.environment == Environment::Production},
          expiry(background, store, clock, metrics),
          local(add_service()) {}

    /// One more, for one loop.
    seats::ReservationService& add_service() {
        return *services.emplace_back(std::make_unique<seats::ReservationService>(
            store, clock, UuidGenerator(clock, seed_from_system()), service,
            [this](Instant due) { expiry.expect(due); }, metrics));
    }

    runtime::Loop& background;
    store::Store& store;
    const Clock& clock;
    telemetry::Metrics& metrics;
    const std::chrono::hours retention;
    const seats::ServiceSettings service;
    const http::AdminAccess admin;
    seats::ExpiryClock expiry;
    std::vector<std::unique_ptr<seats::ReservationService>> services;
    seats::LocalServices local;
};

SeatParts::SeatParts(runtime::Loop& background, store::Store& store, const Clock& clock,
                     const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background, store, clock, settings, metrics)) {}

SeatParts::~SeatParts() = default;

std::vector<store::PruneRule> SeatParts::prune_rules() const {
    const auto kept = parts_->retention;
    if (kept.count() == 0) return {};
    return {[kept](store::Transaction& tx, Instant now, int limit) {
        return seats::prune_released(tx, now - kept, limit);
    }};
}

void SeatParts::add_http_face(http::Router& router) {
    seats::add_reservation_routes(router, parts_->add_service(), parts_->admin);
}

void SeatParts::add_grpc_face(grpc::Services& services) {
    seats::add_inventory_service(services, parts_->add_service(), parts_->admin);
}

seats::LocalServices& SeatParts::services() {
    return parts_->local;
}

void SeatParts::start() {
    runtime::spawn(parts_->background, "hold expiry", parts_->expiry.run());
}

awaitable<void> SeatParts::stop() {
    parts_->expiry.stop();
    co_return;
}

}  // namespace florin::app
