#include "platform/http/server_metrics.h"

#include <algorithm>

namespace florin::http {

ServerMetrics::ServerMetrics(telemetry::Metrics& metrics, std::string server)
    : metrics_(metrics),
      server_(std::move(server)),
      refused_connections_(metrics.counter("florin_http_refused_connections_total",
                                           "Connections closed at once: too many were open.",
                                           {{"server", server_}})) {}

void ServerMetrics::count_request(std::string_view route, std::string_view method, unsigned status,
                                  double seconds) {
    auto found = routes_.find(route);
    if (found == routes_.end()) {
        const telemetry::Labels labels{{"server", server_}, {"route", std::string(route)}};
        auto histogram =
            metrics_.histogram("florin_http_request_seconds", "Time to serve a request.",
                               telemetry::latency_bounds(), labels);
        found = routes_.emplace(route, Route{histogram, {}}).first;
    }
    found->second.seconds.observe(seconds);
    // Methods nobody registered would make labels without bound.
    if (route == "none") method = "any";
    auto& requests = found->second.requests;
    auto entry = std::ranges::find_if(requests, [&](const Requests& known) {
        return known.status == status && known.method == method;
    });
    if (entry == requests.end()) {
        const telemetry::Labels labels{{"server", server_},
                                       {"route", std::string(route)},
                                       {"method", std::string(method)},
                                       {"status", std::to_string(status)}};
        requests.push_back(
            {std::string(method), status,
             metrics_.counter("florin_http_requests_total", "Requests served.", labels)});
        entry = requests.end() - 1;
    }
    entry->counter.add();
}

}  // namespace florin::http
