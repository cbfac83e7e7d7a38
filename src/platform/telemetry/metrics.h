#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace florin::telemetry {

/// Labels of one series: names and values.
using Labels = std::vector<std::pair<std::string, std::string>>;

/// Handles are cheap to copy and live as long as the registry. Operations are thread-safe and take
/// no lock a hot path would notice. A handle that no registry made counts nothing.
class Counter {
public:
    void add(double amount = 1.0);

private:
    friend class Metrics;
    void* series_ = nullptr;
};

class Gauge {
public:
    void set(double value);

private:
    friend class Metrics;
    void* series_ = nullptr;
};

class Histogram {
public:
    void observe(double value);

private:
    friend class Metrics;
    void* series_ = nullptr;
};

/// The process's metrics and their Prometheus text form (exposition format 0.0.4).
class Metrics {
public:
    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The series of that name and labels, made on first use. Asking costs a lock and a look-up: do
    /// it once, at construction, not per request. `help` counts the first time a name is used.
    Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
    Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
    /// `bounds` are the upper bucket bounds in the metric's unit (seconds, by convention),
    /// ascending.
    Histogram histogram(const std::string& name, const std::string& help,
                        const std::vector<double>& bounds, const Labels& labels = {});

    /// A gauge read at scrape time: queue depths, resident bytes. `read` must be thread-safe and
    /// not use this registry. Naming the same series again replaces its `read`.
    void gauge_from(const std::string& name, const std::string& help, const Labels& labels,
                    std::function<double()> read);
    /// The same for a number that only grows.
    void counter_from(const std::string& name, const std::string& help, const Labels& labels,
                      std::function<double()> read);

    /// The text of /metrics. Thread-safe.
    [[nodiscard]] std::string scrape() const;

private:
    struct Registry;
    std::unique_ptr<Registry> registry_;
};

/// Bucket bounds in seconds that resolve both a 200 µs commit and a minute of lateness.
const std::vector<double>& latency_bounds();

}  // namespace florin::telemetry
