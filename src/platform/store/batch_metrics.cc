#include "platform/store/batch_metrics.h"

namespace florin::store {
namespace {

const std::vector<double> batch_bounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'024};

}  // namespace

BatchMetrics::BatchMetrics(telemetry::Metrics& metrics)
    : commands(metrics.histogram("florin_store_batch_commands",
                                 "Commands that shared one transaction.", batch_bounds)),
      commit_seconds(metrics.histogram("florin_store_commit_seconds",
                                       "Time of one commit, its sync included.",
                                       telemetry::latency_bounds())),
      retries(metrics.counter("florin_store_batch_retries_total",
                              "Batches run again: a command was refused after it had changed rows, "
                              "or another transaction stood in the way.")),
      faults(metrics.counter("florin_store_faults_total", "Batches that could not be stored.")) {}

}  // namespace florin::store
