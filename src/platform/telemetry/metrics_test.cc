#include "platform/telemetry/metrics.h"

#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "platform/telemetry/process_metrics.h"

namespace florin::telemetry {
namespace {

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

double value_of(const std::string& text, const std::string& series) {
    const auto at = ("\n" + text).find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 1));
}

TEST(Metrics, ScrapeIsThePrometheusTextForm) {
    Metrics metrics;
    metrics.counter("calls_total", "Calls.", {{"code", "OK"}}).add();
    metrics.counter("calls_total", "Calls.", {{"code", "NotFound"}}).add(2);
    metrics.gauge("depth", "Depth.").set(-1.5);
    const std::string text = metrics.scrape();
    EXPECT_TRUE(has_line(text, "# HELP calls_total Calls.")) << text;
    EXPECT_TRUE(has_line(text, "# TYPE calls_total counter"));
    EXPECT_TRUE(has_line(text, "calls_total{code=\"OK\"} 1"));
    EXPECT_TRUE(has_line(text, "calls_total{code=\"NotFound\"} 2"));
    EXPECT_TRUE(has_line(text, "# TYPE depth gauge"));
    EXPECT_TRUE(has_line(text, "depth -1.5"));
    EXPECT_EQ(text.find("# HELP calls_total"), text.rfind("# HELP calls_total"));
}

TEST(Metrics, HistogramsCountIntoCumulativeBuckets) {
    Metrics metrics;
    auto histogram = metrics.histogram("wait_seconds", "Wait.", {0.1, 1}, {{"kind", "a"}});
    for (const double seconds : {0.05, 0.1, 0.5, 2.0}) histogram.observe(seconds);
    const std::string text = metrics.scrape();
    EXPECT_TRUE(has_line(text, "wait_seconds_bucket{kind=\"a\",le=\"0.1\"} 2")) << text;
    EXPECT_TRUE(has_line(text, "wait_seconds_bucket{kind=\"a\",le=\"1\"} 3"));
    EXPECT_TRUE(has_line(text, "wait_seconds_bucket{kind=\"a\",le=\"+Inf\"} 4"));
    EXPECT_TRUE(has_line(text, "wait_seconds_count{kind=\"a\"} 4"));
}

TEST(Metrics, AskingTwiceGivesTheSameSeries) {
    Metrics metrics;
    metrics.counter("calls_total", "Calls.", {{"a", "1"}, {"b", "2"}}).add();
    metrics.counter("calls_total", "Calls.", {{"b", "2"}, {"a", "1"}}).add();
    EXPECT_TRUE(has_line(metrics.scrape(), "calls_total{a=\"1\",b=\"2\"} 2")) << metrics.scrape();
}

TEST(Metrics, SourcesAreReadWhenSomebodyScrapes) {
    Metrics metrics;
    double depth = 1;
    metrics.gauge_from("depth", "Depth.", {{"queue", "a"}}, [&] { return depth; });
    metrics.gauge_from("depth", "Depth.", {{"queue", "b"}}, [] { return 7.0; });
    metrics.counter_from("seen_total", "Seen.", {}, [] { return 3.0; });
    depth = 5;
    const std::string text = metrics.scrape();
    EXPECT_TRUE(has_line(text, "depth{queue=\"a\"} 5")) << text;
    EXPECT_TRUE(has_line(text, "depth{queue=\"b\"} 7"));
    EXPECT_TRUE(has_line(text, "# TYPE seen_total counter"));
    EXPECT_TRUE(has_line(text, "seen_total 3"));
}

TEST(Metrics, ASourceNamedAgainReplacesTheFirst) {
    Metrics metrics;
    metrics.gauge_from("depth", "Depth.", {}, [] { return 1.0; });
    metrics.gauge_from("depth", "Depth.", {}, [] { return 2.0; });
    const std::string text = metrics.scrape();
    EXPECT_TRUE(has_line(text, "depth 2")) << text;
    EXPECT_FALSE(has_line(text, "depth 1"));
}

TEST(Metrics, LabelValuesAreEscaped) {
    Metrics metrics;
    metrics.gauge("depth", "Depth.", {{"host", "a\"b\\c\nd"}}).set(1);
    EXPECT_TRUE(has_line(metrics.scrape(), R"(depth{host="a\"b\\c\nd"} 1)")) << metrics.scrape();
}

TEST(Metrics, AHandleThatNoRegistryMadeCountsNothing) {
    Counter().add();
    Gauge().set(1);
    Histogram().observe(1);
}

TEST(Metrics, NoCountIsLostBetweenThreads) {
    Metrics metrics;
    auto counter = metrics.counter("calls_total", "Calls.");
    auto histogram = metrics.histogram("wait_seconds", "Wait.", latency_bounds());
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) {
                counter.add();
                histogram.observe(0.001);
                if (i % 1'000 == 0) EXPECT_FALSE(metrics.scrape().empty());
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(value_of(metrics.scrape(), "calls_total"), 30'000);
    EXPECT_EQ(value_of(metrics.scrape(), "wait_seconds_count"), 30'000);
}

TEST(ProcessMetrics, ReportThisProcess) {
    Metrics metrics;
    register_process_metrics(metrics, [] { return 12.0; });
    const std::string text = metrics.scrape();
    EXPECT_GT(value_of(text, "process_resident_memory_bytes"), 1e6) << text;
    EXPECT_GT(value_of(text, "process_virtual_memory_bytes"), 1e6);
    EXPECT_GE(value_of(text, "process_cpu_seconds_total"), 0);
    EXPECT_GE(value_of(text, "process_open_fds"), 3);
    EXPECT_GE(value_of(text, "process_max_fds"), value_of(text, "process_open_fds"));
    EXPECT_GT(value_of(text, "process_start_time_seconds"), 1.7e9);
    EXPECT_GE(value_of(text, "go_memstats_alloc_bytes"), 0);
    EXPECT_EQ(value_of(text, "go_goroutines"), 12);
    EXPECT_GE(value_of(text, "florin_background_faults_total"), 0);
}

}  // namespace
}  // namespace florin::telemetry
