#include "app/wire_worker.h"

#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "app/aws_options.h"
#include "app/load_settings.h"
#include "app/reservation_services.h"
#include "app/settings.h"
#include "platform/aws/client.h"
#include "platform/aws/credential_chain.h"
#include "platform/aws/service_clock.h"
#include "platform/aws/sqs.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/group_metrics.h"
#include "platform/http/client.h"
#include "platform/runtime/loop.h"
#include "platform/runtime/wakeup.h"
#include "platform/store/pruning.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"
#include "reservation/dead_letter_relay.h"
#include "reservation/handler.h"
#include "reservation/processor.h"
#include "reservation/reservation_event.h"
#include "reservation/worker.h"

namespace florin::app {
namespace {

constexpr Microseconds count_dead_letters_every = Seconds(10);

http::ClientOptions aws_http_options() {
    http::ClientOptions options;
    options.connect_timeout = Milliseconds(2'000);
    options.redirects_max = 0;  // a signature is for one address
    // Ten messages of a megabyte in all, whose quotes are escaped twice.
    options.response_body_bytes_max = 8 * 1024 * 1024;
    return options;
}

reservation::WorkerOptions worker_options(const Settings& settings) {
    reservation::WorkerOptions options;
    options.concurrency = settings.worker.concurrency;
    options.wait = settings.worker.poll_wait;
    options.visibility = settings.worker.visibility;
    options.attempts_max = static_cast<int>(settings.worker.attempts_max);
    options.backoff_base = settings.worker.backoff_base;
    options.seed = seed_from_system();
    return options;
}

std::vector<store::PruneRule> prune_rules(const Settings& settings) {
    std::vector<store::PruneRule> rules{inbox_rule()};
    if (const auto keep = settings.storage.dead_letter_retention; keep.count() > 0) {
        rules.emplace_back([keep](store::Transaction& tx, Instant now, int limit) {
            return broker::dead_letters::prune(tx, now - keep, limit);
        });
    }
    return rules;
}

}  // namespace

struct WorkerParts::Parts {
    Parts(runtime::Loop& worker_loop, store::Store& opened, const Clock& ours,
          const Settings& settings, telemetry::Metrics& metrics, const Environ& environment)
        : loop(worker_loop),
          store(opened),
          clock(ours),
          aws_http(loop, aws_http_options()),
          time(clock),
          credentials(aws_http, time, credential_options(settings, environment)),
          sqs(aws_http, credentials, time, aws::sqs_service,
              aws_client_options(settings, environment, "AWS_ENDPOINT_URL_SQS"), metrics),
          queue(sqs, settings.aws.queue_url),
          services(loop, settings),
          handler(services.api, services.inventory),
          processor(handler, store, clock, metrics),
          again(processor),
          relays{{&again, &loop}},
          letters(metrics, std::string(again.group())),
          count_letters(loop),
          pruning(loop, store, clock, prune_rules(settings), metrics) {
        if (!settings.aws.dead_letter_queue_url.empty())
            dead_letters.emplace(sqs, settings.aws.dead_letter_queue_url);
        worker.emplace(loop, queue, dead_letters ? &*dead_letters : nullptr, processor, store,
                       clock, worker_options(settings), metrics);
    }

    /// Until the loop ends.
    awaitable<void> watch_dead_letters() {
        for (;;) {
            try {
                const auto waiting = co_await store.read(
                    [this](store::Snapshot& snapshot) { return letters.count(snapshot); });
                letters.set(waiting, clock.now());
            } catch (const std::exception& fault) {
                telemetry::warning("The dead letters cannot be counted", {{"fault", fault.what()}});
            }
            co_await count_letters.wait_until(clock, clock.now() + count_dead_letters_every);
        }
    }

    runtime::Loop& loop;
    store::Store& store;
    const Clock& clock;
    http::Client aws_http;
    aws::ServiceClock time;
    aws::CredentialChain credentials;
    aws::Client sqs;
    aws::Queue queue;
    std::optional<aws::Queue> dead_letters;
    RemoteServices services;
    reservation::Handler handler;
    reservation::Processor processor;
    reservation::DeadLetterRelay again;
    const std::vector<operations::RelayOnLoop> relays;
    broker::DeadLetterGauge letters;
    runtime::Wakeup count_letters;
    store::Pruning pruning;
    std::optional<reservation::Worker> worker;
};

WorkerParts::WorkerParts(runtime::Loop& loop, store::Store& store, const Clock& clock,
                         const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(loop, store, clock, settings, metrics, environment_here())) {}

WorkerParts::~WorkerParts() = default;

void WorkerParts::start() {
    parts_->worker->start();
    runtime::spawn(parts_->loop, "pruning", parts_->pruning.run());
    runtime::spawn(parts_->loop, "dead letters", parts_->watch_dead_letters());
}

awaitable<void> WorkerParts::stop(std::chrono::milliseconds deadline) {
    parts_->pruning.stop();
    if (co_await parts_->worker->stop(deadline)) co_return;
    telemetry::warning("Some messages were not finished in time; they come again");
}

bool WorkerParts::queue_answers() const {
    return parts_->worker->queue_answers();
}

std::span<const operations::RelayOnLoop> WorkerParts::relays() const {
    return parts_->relays;
}

void WorkerParts::dead_letters_changed() {
    parts_->count_letters.notify();
}

}  // namespace florin::app
