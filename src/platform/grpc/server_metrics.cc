#include "platform/grpc/server_metrics.h"

namespace florin::grpc {
namespace {

telemetry::Labels labels_of(const Services::Method& method) {
    return {{"grpc_type", method.unary ? "unary" : "bidi_stream"},
            {"grpc_service", method.service},
            {"grpc_method", method.name}};
}

}  // namespace

ServerMetrics::ServerMetrics(telemetry::Metrics& metrics, const Services& services)
    : metrics_(metrics) {
    for (const auto& [path, method] : services.methods()) {
        const auto labels = labels_of(method);
        auto& series = methods_[&method];
        series = {
            metrics.counter("grpc_server_started_total", "RPCs started on the server.", labels),
            metrics.histogram("grpc_server_handling_seconds",
                              "Time from a request's headers to its answer's hand-over.",
                              telemetry::latency_bounds(), labels),
            {}};
        count_handled(series, method, Code::Ok).add(0);  // there for scrapes before the first call
    }
}

telemetry::Counter& ServerMetrics::count_handled(MethodMetrics& series,
                                                 const Services::Method& method, Code code) {
    auto& counter = series.handled[static_cast<std::size_t>(code)];
    if (!counter) {
        auto labels = labels_of(method);
        labels.emplace_back("grpc_code", name_of(code));
        counter = metrics_.counter("grpc_server_handled_total",
                                   "RPCs completed on the server, by code.", labels);
    }
    return *counter;
}

void ServerMetrics::started(const Services::Method& method) {
    methods_.at(&method).started.add();
}

void ServerMetrics::handled(const Services::Method& method, Code code, double seconds) {
    auto& series = methods_.at(&method);
    count_handled(series, method, code).add();
    series.seconds.observe(seconds);
}

void ServerMetrics::ended(const char* reason) {
    metrics_
        .counter("florin_grpc_connections_ended_total", "Connections the server ended, and why.",
                 {{"reason", reason}})
        .add();
}

}  // namespace florin::grpc
