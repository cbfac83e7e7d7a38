#include "app/wire_aws.h"

#include "app/aws_options.h"
#include "app/load_settings.h"
#include "app/settings.h"
#include "gateway/event_bridge_relay.h"
#include "platform/aws/client.h"
#include "platform/aws/credential_chain.h"
#include "platform/aws/service_clock.h"
#include "platform/broker/relay_group.h"
#include "platform/http/client.h"
#include "platform/telemetry/log.h"

namespace florin::app {
namespace {

// A page is sent by calls of ten, some at once, before the next page is read.
constexpr std::size_t page_messages_max = 400;

http::ClientOptions http_options() {
    http::ClientOptions options;
    options.connect_timeout = Milliseconds(2'000);
    options.redirects_max = 0;  // a signature is for one address
    return options;
}

broker::ConsumerOptions group_options(leases::Leases& leases) {
    broker::ConsumerOptions options;
    options.leases = &leases;
    // Whoever turns events on wants those that come, not all that are still in the log.
    options.start = broker::ConsumerOptions::Start::End;
    options.batch_messages_max = page_messages_max;
    options.look_interval = Milliseconds(50);
    options.seed = seed_from_system();
    return options;
}

}  // namespace

struct AwsParts::Parts {
    Parts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
          const Clock& clock, const Settings& settings, telemetry::Metrics& metrics,
          const Environ& environment)
        : http(background, http_options()),
          time(clock),
          credentials(http, time, credential_options(settings, environment)),
          client(http, credentials, time, aws::event_bridge_service,
                 aws_client_options(settings, environment, "AWS_ENDPOINT_URL_EVENTBRIDGE"),
                 metrics),
          relay(background, client,
                {.source = settings.aws.event_source, .bus = settings.aws.event_bus_name}, metrics),
          group(background, store, relay, clock, group_options(leases), metrics),
          relays{{&relay, &background}} {
        telemetry::info("Payment outcomes go to EventBridge", {{"bus", settings.aws.event_bus_name},
                                                               {"endpoint", client.endpoint()},
                                                               {"region", settings.aws.region}});
    }

    http::Client http;
    aws::ServiceClock time;
    aws::CredentialChain credentials;
    aws::Client client;
    gateway::EventBridgeRelay relay;
    broker::RelayGroup group;
    const std::vector<operations::RelayOnLoop> relays;
};

AwsParts::AwsParts(runtime::Loop& background, store::Store& store, leases::Leases& leases,
                   const Clock& clock, const Settings& settings, telemetry::Metrics& metrics) {
    if (settings.aws.events) {
        parts_ = std::make_unique<Parts>(background, store, leases, clock, settings, metrics,
                                         environment_here());
    }
}

AwsParts::~AwsParts() = default;

void AwsParts::start() {
    if (parts_) parts_->group.start();
}

awaitable<void> AwsParts::stop(std::chrono::milliseconds deadline) {
    if (!parts_ || co_await parts_->group.stop(deadline)) co_return;
    telemetry::warning("The event bus has not answered in time; its events are sent again");
}

std::vector<std::string> AwsParts::consumer_groups() const {
    if (!parts_) return {};
    return {std::string(gateway::EventBridgeRelay::group_name)};
}

std::span<const operations::RelayOnLoop> AwsParts::relays() const {
    if (!parts_) return {};
    return parts_->relays;
}

}  // namespace florin::app
