#include "app/reservation_services.h"

#include <chrono>
#include <utility>

#include "app/grpc_address.h"
#include "app/settings.h"
#include "platform/base/require.h"
#include "reservation/inbox.h"

namespace florin::app {
namespace {

// A queue keeps messages for fourteen days at most: none comes again after that.
constexpr std::chrono::hours inbox_retention{15 * 24};

http::Url reservation_url(const Settings& settings) {
    auto url = http::parse_url(settings.worker.reservation_api);
    require(url.has_value(), "settings are checked");
    return std::move(*url);
}

grpc::ChannelOptions inventory_address(const Settings& settings) {
    auto address = parse_grpc_address(settings.worker.inventory);
    require(address.has_value(), "settings are checked");
    return std::move(*address);
}

}  // namespace

RemoteServices::RemoteServices(runtime::Loop& loop, const Settings& settings)
    : http(loop, {}),
      api(http, reservation_url(settings), settings.worker.reservation_timeout,
          settings.worker.token),
      inventory(loop, inventory_address(settings), settings.worker.inventory_timeout,
                settings.worker.token) {}

store::PruneRule inbox_rule() {
    return [](store::Transaction& tx, Instant now, int limit) {
        return reservation::inbox::prune(tx, now - inbox_retention, limit);
    };
}

}  // namespace florin::app
