#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "platform/grpc/service.h"
#include "platform/telemetry/metrics.h"

namespace florin::grpc {

/// The series of one method, under the names and labels of go-grpc-prometheus.
struct MethodMetrics {
    telemetry::Counter started;
    telemetry::Histogram seconds;
    std::array<std::optional<telemetry::Counter>, 17> handled;  // by code, made on first use
};

/// The metrics of one server: belongs to its loop.
class ServerMetrics {
public:
    ServerMetrics(telemetry::Metrics& metrics, const Services& services);

    void started(const Services::Method& method);
    void handled(const Services::Method& method, Code code, double seconds);
    /// A connection ended by us, and why: a fixed set of short names.
    void ended(const char* reason);

private:
    telemetry::Counter& count_handled(MethodMetrics& series, const Services::Method& method,
                                      Code code);

    telemetry::Metrics& metrics_;
    std::map<const Services::Method*, MethodMetrics> methods_;
};

}  // namespace florin::grpc
