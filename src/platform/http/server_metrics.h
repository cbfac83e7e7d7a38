#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/telemetry/metrics.h"

namespace florin::http {

/// The counts of one server, with every handle looked up once. On the server's loop.
class ServerMetrics {
public:
    ServerMetrics(telemetry::Metrics& metrics, std::string server);

    /// `route` is a pattern of the router, which outlives this, or "none"; so labels have a bound.
    void count_request(std::string_view route, std::string_view method, unsigned status,
                       double seconds);
    void count_refused_connection() { refused_connections_.add(); }

private:
    struct Requests {
        std::string method;
        unsigned status;
        telemetry::Counter counter;
    };
    struct Route {
        telemetry::Histogram seconds;
        std::vector<Requests> requests;
    };

    telemetry::Metrics& metrics_;
    const std::string server_;
    telemetry::Counter refused_connections_;
    std::unordered_map<std::string_view, Route> routes_;
};

}  // namespace florin::http
