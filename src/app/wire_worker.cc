#include "app/wire_worker.h"

#include <optional>

#include "app/aws_options.h"
#include "app/load_settings.h"
#include "app/reservation_services.h"
#include "app/settings.h"
#include "platform/aws/client.h"
#include "platform/aws/credential_chain.h"
#include "platform/aws/service_clock.h"
#include "platform/aws/sqs.h"
#include "platform/http/client.h"
#include "platform/runtime/loop.h"
#include "platform/store/pruning.h"
#include "platform/telemetry/log.h"
#include "reservation/handler.h"
#include "reservation/processor.h"
#include "reservation/worker.h"

namespace florin::app {
namespace {

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

}  // namespace

struct WorkerParts::Parts {
    Parts(runtime::Loop& worker_loop, store::Store& store, const Clock& clock,
          const Settings& settings, telemetry::Metrics& metrics, const Environ& environment)
        : loop(worker_loop),
          aws_http(loop, aws_http_options()),
          time(clock),
          credentials(aws_http, time, credential_options(settings, environment)),
          sqs(aws_http, credentials, time, aws::sqs_service,
              aws_client_options(settings, environment, "AWS_ENDPOINT_URL_SQS"), metrics),
          queue(sqs, settings.aws.queue_url),
          services(loop, settings),
          handler(services.api, services.inventory),
          processor(handler, store, clock, metrics),
          pruning(loop, store, clock, {inbox_rule()}, metrics) {
        if (!settings.aws.dead_letter_queue_url.empty())
            dead_letters.emplace(sqs, settings.aws.dead_letter_queue_url);
        worker.emplace(loop, queue, dead_letters ? &*dead_letters : nullptr, processor, store,
                       clock, worker_options(settings), metrics);
    }

    runtime::Loop& loop;
    http::Client aws_http;
    aws::ServiceClock time;
    aws::CredentialChain credentials;
    aws::Client sqs;
    aws::Queue queue;
    std::optional<aws::Queue> dead_letters;
    RemoteServices services;
    reservation::Handler handler;
    reservation::Processor processor;
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
}

awaitable<void> WorkerParts::stop(std::chrono::milliseconds deadline) {
    parts_->pruning.stop();
    if (co_await parts_->worker->stop(deadline)) co_return;
    telemetry::warning("Some messages were not finished in time; they come again");
}

bool WorkerParts::queue_answers() const {
    return parts_->worker->queue_answers();
}

}  // namespace florin::app
