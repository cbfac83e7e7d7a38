#include "app/wire_leases.h"

#include <optional>

#include <unistd.h>

#include "app/settings.h"
#include "platform/base/time.h"
#include "platform/leases/shared_leases.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"

namespace florin::app {
namespace {

/// "host/4711 api,worker": what people find in the table of instances.
std::string process_name(const Settings& settings) {
    char host[65] = {};
    if (::gethostname(host, sizeof host - 1) != 0) host[0] = '?';
    return std::string(host)
        .append("/")
        .append(std::to_string(::getpid()))
        .append(" ")
        .append(settings.roles.text());
}

}  // namespace

struct LeaseParts::Parts {
    explicit Parts(runtime::Loop& loop) : background(loop) {}

    runtime::Loop& background;
    MonotonicClock monotonic;
    leases::SoleLeases sole;
    std::optional<leases::SharedLeases> shared;
};

LeaseParts::LeaseParts(runtime::Loop& background, store::Store& store, const Clock& clock,
                       const Settings& settings, telemetry::Metrics& metrics)
    : parts_(std::make_unique<Parts>(background)) {
    if (!store.shared()) return;
    leases::LeaseOptions options;
    options.name = process_name(settings);
    parts_->shared.emplace(background, store, parts_->monotonic, clock, std::move(options),
                           metrics);
}

LeaseParts::~LeaseParts() = default;

leases::Leases& LeaseParts::leases() {
    if (parts_->shared) return *parts_->shared;
    return parts_->sole;
}

void LeaseParts::start() {
    if (parts_->shared) runtime::spawn(parts_->background, "leases", parts_->shared->run());
}

awaitable<void> LeaseParts::stop(std::chrono::milliseconds deadline) {
    if (parts_->shared) co_await parts_->shared->stop(deadline);
}

}  // namespace florin::app
