#include "app/wire_local_worker.h"

#include <optional>

#include "app/reservation_services.h"
#include "app/settings.h"
#include "platform/broker/consumer_group.h"
#include "platform/telemetry/log.h"
#include "reservation/dead_letter_relay.h"
#include "reservation/handler.h"
#include "reservation/outcome_consumer.h"
#include "reservation/processor.h"
#include "reservation/task_worker.h"
#include "seats/local_services.h"

namespace florin::app {
namespace {

broker::ConsumerOptions group_options(const Settings& settings, leases::Leases& leases) {
    broker::ConsumerOptions options;
    // Reservations of our own are as old as the log. Other services learn what happens from the
    // moment they are named, not what is still in the log.
    if (!settings.worker.own_services) options.start = broker::ConsumerOptions::Start::End;
    // A customer waits to see the reservation confirmed, but nobody does on an idle machine.
    options.look_interval = Milliseconds(100);
    options.seed = seed_from_system();
    options.leases = &leases;
    return options;
}

reservation::TaskWorkerOptions worker_options(const Settings& settings, leases::Leases& leases) {
    reservation::TaskWorkerOptions options;
    options.concurrency = settings.worker.concurrency;
    options.attempts_max = static_cast<int>(settings.worker.attempts_max);
    options.backoff_base = settings.worker.backoff_base;
    options.seed = seed_from_system();
    options.leases = &leases;
    return options;
}

}  // namespace

struct LocalWorkerParts::Parts {
    Parts(runtime::Loop& loop, store::Store& store, leases::Leases& leases, const Clock& clock,
          const Settings& settings, seats::LocalServices& own, telemetry::Metrics& metrics)
        : remote(settings.worker.own_services ? nullptr
                                              : std::make_unique<RemoteServices>(loop, settings)),
          handler(remote ? static_cast<reservation::ReservationApi&>(remote->api) : own,
                  remote ? static_cast<reservation::Inventory&>(remote->inventory) : own),
          processor(handler, store, clock, metrics),
          worker(loop, store, processor, clock, worker_options(settings, leases), metrics),
          again(processor),
          consumer(
              [everyone = remote != nullptr](std::string_view id) {
                  return everyone || seats::LocalServices::concern(id);
              },
              [this] { worker.wake(); }),
          group(loop, store, consumer, clock, group_options(settings, leases), metrics),
          relays{{&again, &loop}} {
        telemetry::info("Outcomes of payments go to reservations",
                        {{"reservation_api", remote ? settings.worker.reservation_api : "own"},
                         {"inventory", remote ? settings.worker.inventory : "own"}});
    }

    std::unique_ptr<RemoteServices> remote;  // none: those of this process
    reservation::Handler handler;
    reservation::Processor processor;
    reservation::TaskWorker worker;
    reservation::DeadLetterRelay again;
    reservation::OutcomeConsumer consumer;
    broker::ConsumerGroup group;
    const std::vector<operations::RelayOnLoop> relays;
};

LocalWorkerParts::LocalWorkerParts(runtime::Loop& background, store::Store& store,
                                   leases::Leases& leases, const Clock& clock,
                                   const Settings& settings, seats::LocalServices& own,
                                   telemetry::Metrics& metrics) {
    if (settings.worker.local)
        parts_ = std::make_unique<Parts>(background, store, leases, clock, settings, own, metrics);
}

LocalWorkerParts::~LocalWorkerParts() = default;

void LocalWorkerParts::start() {
    if (!parts_) return;
    parts_->worker.start();
    parts_->group.start();
}

awaitable<void> LocalWorkerParts::stop(std::chrono::milliseconds deadline) {
    if (!parts_) co_return;
    const auto until = std::chrono::steady_clock::now() + deadline;
    co_await parts_->group.stop(deadline);
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (co_await parts_->worker.stop(left)) co_return;
    telemetry::warning("Some reservations were not dealt with in time; they come again");
}

std::vector<store::PruneRule> LocalWorkerParts::prune_rules() const {
    if (!parts_) return {};
    return {inbox_rule()};
}

std::vector<std::string> LocalWorkerParts::consumer_groups() const {
    if (!parts_) return {};
    return {std::string(parts_->consumer.group())};
}

std::span<const operations::RelayOnLoop> LocalWorkerParts::relays() const {
    if (!parts_) return {};
    return parts_->relays;
}

}  // namespace florin::app
