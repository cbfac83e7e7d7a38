#include "platform/telemetry/metrics.h"

#include <map>
#include <mutex>

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace florin::telemetry {
namespace {

prometheus::Labels to_labels(const Labels& labels) {
    return {labels.begin(), labels.end()};
}

/// A number that is read when somebody scrapes.
struct Source {
    std::string help;
    prometheus::MetricType type;
    struct Series {
        Labels labels;
        std::function<double()> read;
    };
    std::vector<Series> series;
};

prometheus::MetricFamily collect(const std::string& name, const Source& source) {
    prometheus::MetricFamily family;
    family.name = name;
    family.help = source.help;
    family.type = source.type;
    for (const auto& series : source.series) {
        prometheus::ClientMetric metric;
        for (const auto& [label, value] : series.labels) metric.label.push_back({label, value});
        const double value = series.read();
        if (source.type == prometheus::MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        family.metric.push_back(std::move(metric));
    }
    return family;
}

}  // namespace

struct Metrics::Registry {
    // Merge: asking twice for a name is how two places share a family.
    prometheus::Registry prometheus{prometheus::Registry::InsertBehavior::Merge};
    mutable std::mutex sources_mutex;  // taken at start and at each scrape
    std::map<std::string, Source> sources;

    void add_source(const std::string& name, const std::string& help, const Labels& labels,
                    prometheus::MetricType type, std::function<double()> read) {
        const std::scoped_lock lock(sources_mutex);
        auto& source = sources.try_emplace(name, Source{help, type, {}}).first->second;
        for (auto& series : source.series) {
            if (series.labels == labels) {
                series.read = std::move(read);
                return;
            }
        }
        source.series.push_back({labels, std::move(read)});
    }
};

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {}
Metrics::~Metrics() = default;

void Counter::add(double amount) {
    if (series_ != nullptr) static_cast<prometheus::Counter*>(series_)->Increment(amount);
}
void Gauge::set(double value) {
    if (series_ != nullptr) static_cast<prometheus::Gauge*>(series_)->Set(value);
}
void Histogram::observe(double value) {
    if (series_ != nullptr) static_cast<prometheus::Histogram*>(series_)->Observe(value);
}

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry_->prometheus);
    Counter handle;
    handle.series_ = &family.Add(to_labels(labels));
    return handle;
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
    auto& family = prometheus::BuildGauge().Name(name).Help(help).Register(registry_->prometheus);
    Gauge handle;
    handle.series_ = &family.Add(to_labels(labels));
    return handle;
}

Histogram Metrics::histogram(const std::string& name, const std::string& help,
                             const std::vector<double>& bounds, const Labels& labels) {
    auto& family =
        prometheus::BuildHistogram().Name(name).Help(help).Register(registry_->prometheus);
    Histogram handle;
    handle.series_ = &family.Add(to_labels(labels), bounds);
    return handle;
}

void Metrics::gauge_from(const std::string& name, const std::string& help, const Labels& labels,
                         std::function<double()> read) {
    registry_->add_source(name, help, labels, prometheus::MetricType::Gauge, std::move(read));
}

void Metrics::counter_from(const std::string& name, const std::string& help, const Labels& labels,
                           std::function<double()> read) {
    registry_->add_source(name, help, labels, prometheus::MetricType::Counter, std::move(read));
}

std::string Metrics::scrape() const {
    auto families = registry_->prometheus.Collect();
    {
        const std::scoped_lock lock(registry_->sources_mutex);
        for (const auto& [name, source] : registry_->sources)
            families.push_back(collect(name, source));
    }
    return prometheus::TextSerializer().Serialize(families);
}

const std::vector<double>& latency_bounds() {
    static const std::vector<double> bounds = {
        0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60};
    return bounds;
}

}  // namespace florin::telemetry
