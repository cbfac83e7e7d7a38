#pragma once

#include <functional>

namespace florin::telemetry {

class Metrics;

/// Adds what Prometheus clients report of their process: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_start_time_seconds; florin_log_lines_dropped_total and florin_background_faults_total;
/// and stand-ins for two names that dashboards of the Go service read: go_memstats_alloc_bytes
/// (bytes allocated on the heap) and, with `live_tasks`, go_goroutines. All are read at scrape
/// time. `live_tasks` says how many asynchronous tasks are under way; thread-safe.
void register_process_metrics(Metrics& metrics, std::function<double()> live_tasks = {});

}  // namespace florin::telemetry
