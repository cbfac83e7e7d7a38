#include "platform/telemetry/log.h"

#include <array>
#include <chrono>
#include <functional>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "platform/telemetry/log_line.h"
#include "platform/telemetry/log_sampler.h"
#include "platform/telemetry/log_writer.h"

namespace florin::telemetry {
namespace {

using std::chrono::steady_clock;

/// A pipe whose far end the test reads as the log's reader would.
class Pipe {
public:
    Pipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
    ~Pipe() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    [[nodiscard]] int in() const { return ends_[1]; }

    /// Reads until what has arrived is `enough`; gives up after a minute.
    std::string read_until(const std::function<bool(const std::string&)>& enough) {
        const auto deadline = steady_clock::now() + std::chrono::seconds(60);
        while (!enough(read_) && steady_clock::now() < deadline) read_some(100);
        return read_;
    }
    std::string read_until(const std::string& text) {
        return read_until([&](const std::string& read) { return read.contains(text); });
    }

    /// Everything that is there.
    std::string read_all() {
        while (read_some(0)) {
        }
        return read_;
    }

private:
    bool read_some(int wait_ms) {
        pollfd entry{ends_[0], POLLIN, 0};
        if (::poll(&entry, 1, wait_ms) <= 0) return false;
        std::array<char, 65'536> buffer{};
        const ssize_t size = ::read(ends_[0], buffer.data(), buffer.size());
        if (size <= 0) return false;
        read_.append(buffer.data(), static_cast<std::size_t>(size));
        return true;
    }

    std::array<int, 2> ends_{};
    std::string read_;
};

std::size_t count_of(const std::string& part, const std::string& text) {
    std::size_t count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
}

/// The sum of what the summaries in `text` say of payments.
std::size_t lines_left_out(const std::string& text) {
    const std::string start = R"("message":"Payment has been settled","lines":)";
    std::size_t sum = 0;
    for (auto at = text.find(start); at != std::string::npos; at = text.find(start, at + 1))
        sum += std::stoul(text.substr(at + start.size()));
    return sum;
}

const Instant noon = instant_from_unix_us(1'760'011'200'042'999);  // 2025-10-09T12:00:00.042999Z

std::string json_line(std::string_view message, std::initializer_list<Field> fields) {
    std::string line;
    append_json_line(line, noon, Level::Info, message, fields);
    return line;
}

TEST(LogLine, JsonHasLevelTimeAndMessageThenTheFieldsInOrder) {
    EXPECT_EQ(
        json_line("Payment has been settled",
                  {{"payment_id", "pay-1"}, {"latency_ms", 12}, {"rate", 0.5}, {"repeated", true}}),
        R"({"level":"info","ts":"2025-10-09T12:00:00.042Z","msg":"Payment has been settled",)"
        R"("payment_id":"pay-1","latency_ms":12,"rate":0.5,"repeated":true})"
        "\n");
}

TEST(LogLine, ConsoleReadsAsASentenceWithItsFields) {
    std::string plain;
    append_console_line(plain, false, noon, Level::Warning, "Webhook has failed",
                        {{"status", 500}});
    EXPECT_EQ(plain, "2025-10-09T12:00:00.042Z WARN  Webhook has failed  status=500\n");
    std::string coloured;
    append_console_line(coloured, true, noon, Level::Warning, "Webhook has failed", {});
    EXPECT_EQ(coloured, "2025-10-09T12:00:00.042Z \033[33mWARN \033[0m Webhook has failed\n");
}

TEST(LogLine, WhateverAValueHoldsTheLineIsOneLineOfValidJson) {
    const std::vector<std::string> values = {"a\nb",
                                             "\r\t\b",
                                             "\"quoted\" \\ back",
                                             std::string("nul\0nul", 7),
                                             "\033[31mred",
                                             "\x7F",
                                             "결제",
                                             "😀",
                                             "\xC2\x85 next line",
                                             "\xFF\xFE",
                                             "\xC0\xAF",
                                             "\xED\xA0\x80",
                                             "\xE2\x82",
                                             "\xF4\x90\x80\x80",
                                             "\xF0\x9F"};
    for (const auto& value : values) {
        const std::string line = json_line(value, {{"key", value}, {value, 1}});
        EXPECT_EQ(count_of("\n", line), 1U);
        EXPECT_EQ(line.find('\033'), std::string::npos);
        boost::json::error_code error;
        const auto parsed = boost::json::parse(line, error);  // checks UTF-8 as well
        EXPECT_FALSE(error) << line;
        EXPECT_EQ(parsed.at("key").as_string(), parsed.at("msg").as_string());
    }
}

TEST(LogLine, ValidTextIsKeptAndBrokenBytesAreReplacedOneByOne) {
    EXPECT_NE(json_line("결제 😀", {}).find("\"결제 😀\""), std::string::npos);
    EXPECT_NE(json_line("a\xFFz", {}).find("\"a\xEF\xBF\xBDz\""), std::string::npos);
    EXPECT_NE(json_line("\xE2\x82", {}).find("\"\xEF\xBF\xBD\xEF\xBF\xBD\""), std::string::npos);
    EXPECT_NE(json_line("\x1F", {}).find("\"\\u001f\""), std::string::npos);
}

TEST(LogLine, NumbersThatJsonCannotSayBecomeTexts) {
    const double infinity = std::numeric_limits<double>::infinity();
    EXPECT_NE(json_line("m", {{"a", std::numeric_limits<double>::quiet_NaN()},
                              {"b", infinity},
                              {"c", -infinity},
                              {"d", std::numeric_limits<std::int64_t>::min()}})
                  .find(R"("a":"NaN","b":"Infinity","c":"-Infinity","d":-9223372036854775808)"),
              std::string::npos);
}

TEST(LogSampler, LetsTheFirstLinesOfEachMessageThroughAndReportsTheRest) {
    LogSampler sampler(3);
    int allowed = 0;
    for (int i = 0; i < 10; ++i) allowed += sampler.allow("often") ? 1 : 0;
    EXPECT_TRUE(sampler.allow("seldom"));
    EXPECT_EQ(allowed, 3);
    std::vector<std::pair<std::string, std::uint64_t>> reported;
    const auto report = [&](std::string_view message, std::uint64_t lines) {
        reported.emplace_back(message, lines);
    };
    EXPECT_TRUE(sampler.end_second(report));
    ASSERT_EQ(reported.size(), 1U);
    EXPECT_EQ(reported[0], (std::pair<std::string, std::uint64_t>("often", 7)));
    EXPECT_FALSE(sampler.end_second(report));
    EXPECT_TRUE(sampler.allow("often"));
}

TEST(LogSampler, CountsEqualTextsAsOneMessageWhereverTheyAreStored) {
    LogSampler sampler(1);
    const std::string one = "the same text";
    const std::string other = "the same " + std::string("text");
    EXPECT_TRUE(sampler.allow(one));
    EXPECT_FALSE(sampler.allow(other));
}

TEST(LogSampler, AFullTableLetsNewMessagesThrough) {
    LogSampler sampler(1);
    for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(sampler.allow("message " + std::to_string(i)));
}

TEST(LogSampler, LosesNoCountBetweenThreads) {
    LogSampler sampler(5);
    std::atomic<int> allowed{0};
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 10'000; ++i) allowed += sampler.allow("shared") ? 1 : 0;
        });
    }
    for (auto& thread : threads) thread.join();
    std::uint64_t left_out = 0;
    sampler.end_second([&](std::string_view, std::uint64_t lines) { left_out = lines; });
    EXPECT_EQ(allowed, 5);
    EXPECT_EQ(left_out, 29'995U);
}

TEST(Log, WithoutASessionLinesGoNowhere) {
    EXPECT_FALSE(enabled(Level::Error));
    error("Nobody reads this");
    EXPECT_EQ(lines_dropped(), 0U);
}

TEST(Log, WritesWhatItsLevelAllowsAndEverythingBeforeItEnds) {
    Pipe pipe;
    {
        const LogSession session(
            {.format = Format::Json, .level = Level::Info, .descriptor = pipe.in()});
        EXPECT_FALSE(enabled(Level::Debug));
        EXPECT_TRUE(enabled(Level::Info));
        debug("Detail has been left out");
        info("Line has been written", {{"number", 1}});
        EXPECT_NE(pipe.read_until("\"number\":1").find("Line has been written"), std::string::npos);
        error("Last line has been written");
    }
    const std::string text = pipe.read_all();
    EXPECT_EQ(count_of("\n", text), 2U) << text;
    EXPECT_NE(text.find("\"level\":\"error\""), std::string::npos);
}

TEST(Log, SummarizesTheLinesItLeftOut) {
    Pipe pipe;
    const LogSession session({.format = Format::Json,
                              .level = Level::Info,
                              .descriptor = pipe.in(),
                              .same_message_per_second_max = 10});
    for (int i = 0; i < 500; ++i) info("Payment has been settled");
    // A slow machine may need more than a second for them, and then there are several summaries.
    const auto written = [](const std::string& text) {
        return count_of("\"msg\":\"Payment has been settled\"", text);
    };
    const std::string text = pipe.read_until(
        [&](const std::string& read) { return written(read) + lines_left_out(read) == 500; });
    EXPECT_EQ(written(text) + lines_left_out(text), 500U) << text;
    const std::size_t summaries = count_of("\"msg\":\"Lines have been left out\"", text);
    EXPECT_GE(summaries, 1U) << text;
    EXPECT_LE(written(text), 10 * (summaries + 1)) << text;
}

TEST(Log, DropsAndCountsInsteadOfWaitingForASlowReader) {
    Pipe pipe;
    {
        const LogSession session({.format = Format::Json,
                                  .level = Level::Info,
                                  .descriptor = pipe.in(),
                                  .queue_lines_max = 100,
                                  .same_message_per_second_max = 0});
        const std::string padding(1'000, 'x');
        // More than the pipe, the batch under way and the queue hold together; nobody reads.
        for (int i = 0; i < 2'000; ++i) info("Line has been written", {{"padding", padding}});
        EXPECT_GT(lines_dropped(), 0U);
        EXPECT_NE(pipe.read_until("Lines have been dropped").find("\"lines\":"), std::string::npos);
    }
}

TEST(Log, EndsInTimeThoughNobodyReads) {
    Pipe pipe;
    {
        const LogSession session({.format = Format::Json,
                                  .level = Level::Info,
                                  .descriptor = pipe.in(),
                                  .same_message_per_second_max = 0});
        const std::string padding(1'000, 'x');
        for (int i = 0; i < 1'000; ++i) info("Line has been written", {{"padding", padding}});
    }
    EXPECT_EQ(lines_dropped(), 0U);  // of no session
}

TEST(LogWriter, CountsWhatABrokenOutputLost) {
    Pipe pipe;
    const int closed = ::dup(pipe.in());
    ::close(closed);
    std::uint64_t dropped = 0;
    {
        LogWriter writer({.descriptor = closed}, [](std::string&) { return true; });
        writer.add("one\n");
        writer.add("two\n");
        const auto deadline = steady_clock::now() + std::chrono::seconds(60);
        while (writer.dropped() < 2 && steady_clock::now() < deadline) std::this_thread::yield();
        dropped = writer.dropped();
    }
    EXPECT_EQ(dropped, 2U);
}

TEST(Log, LinesOfManyThreadsStayWhole) {
    Pipe pipe;
    {
        const LogSession session({.format = Format::Json,
                                  .level = Level::Info,
                                  .descriptor = pipe.in(),
                                  .same_message_per_second_max = 0});
        std::vector<std::thread> threads;
        threads.reserve(3);
        for (int t = 0; t < 3; ++t) {
            threads.emplace_back([t] {
                for (int i = 0; i < 100; ++i) info("Line has been written", {{"thread", t}});
            });
        }
        for (auto& thread : threads) thread.join();
    }
    const std::string text = pipe.read_all();
    EXPECT_EQ(count_of("\n", text), 300U);
    EXPECT_EQ(count_of("{\"level\"", text), 300U);
    EXPECT_EQ(count_of("}\n", text), 300U);
}

TEST(Log, CountsBackgroundFaults) {
    const auto before = background_faults();
    background_fault("relay", "the disk is full");
    EXPECT_EQ(background_faults(), before + 1);
}

}  // namespace
}  // namespace florin::telemetry
