#include "platform/telemetry/log.h"

#include <atomic>
#include <string>

#include "platform/base/require.h"
#include "platform/base/time.h"
#include "platform/telemetry/log_line.h"
#include "platform/telemetry/log_sampler.h"
#include "platform/telemetry/log_writer.h"

namespace florin::telemetry {
namespace {

constexpr int no_level = static_cast<int>(Level::Error) + 1;

}  // namespace

class LogSession::Sink {
public:
    explicit Sink(const LogOptions& options)
        : options_(options),
          sampler_(options.same_message_per_second_max),
          writer_({.descriptor = options.descriptor, .queue_lines_max = options.queue_lines_max},
                  [this](std::string& batch) { return end_second(batch); }) {}

    void take(Level level, std::string_view message, std::initializer_list<Field> fields) {
        if (!sampler_.allow(message)) return;
        // Keeps its memory: a line costs no allocation once the longest has been seen.
        thread_local std::string line;
        line.clear();
        append(line, level, message, fields);
        writer_.add(line);
    }

    [[nodiscard]] std::uint64_t dropped() const { return writer_.dropped(); }

private:
    void append(std::string& out, Level level, std::string_view message,
                std::initializer_list<Field> fields) const {
        const Instant now = SystemClock().now();
        if (options_.format == Format::Json) {
            append_json_line(out, now, level, message, fields);
        } else {
            append_console_line(out, options_.colour, now, level, message, fields);
        }
    }

    /// Says in the log itself what is missing from it.
    bool end_second(std::string& batch) {
        const auto report = [&](std::string_view message, std::uint64_t lines) {
            append(batch, Level::Info, "Lines have been left out",
                   {{"message", message}, {"lines", lines}});
        };
        const bool counted = sampler_.end_second(report);
        const std::uint64_t dropped = writer_.dropped();
        if (dropped != dropped_reported_) {
            append(batch, Level::Warning, "Lines have been dropped because the output is too slow",
                   {{"lines", dropped - dropped_reported_}});
            dropped_reported_ = dropped;
        }
        return counted;
    }

    const LogOptions options_;
    LogSampler sampler_;
    std::uint64_t dropped_reported_ = 0;  // of the writing thread
    LogWriter writer_;                    // last: its thread uses the others
};

namespace {

// The one log of the process: a line may come from any thread and any depth, and threading a logger
// through every constructor would say nothing a reader needs. Set before threads start.
std::atomic<LogSession::Sink*> active{nullptr};
std::atomic<int> lowest_level{no_level};
std::atomic<std::uint64_t> background_fault_count{0};

}  // namespace

LogSession::LogSession(const LogOptions& options) : sink_(std::make_unique<Sink>(options)) {
    require(active.exchange(sink_.get()) == nullptr, "a process has one log");
    lowest_level = static_cast<int>(options.level);
}

LogSession::~LogSession() {
    lowest_level = no_level;
    active = nullptr;
}

bool enabled(Level level) {
    return static_cast<int>(level) >= lowest_level.load(std::memory_order_relaxed);
}

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    if (LogSession::Sink* const sink = active.load(std::memory_order_acquire)) {
        sink->take(level, message, fields);
    }
}

void background_fault(std::string_view task, std::string_view what) {
    ++background_fault_count;
    error("A background task has ended by a fault", {{"task", task}, {"fault", what}});
}

std::uint64_t lines_dropped() {
    const LogSession::Sink* const sink = active.load(std::memory_order_acquire);
    return sink != nullptr ? sink->dropped() : 0;
}

std::uint64_t background_faults() {
    return background_fault_count;
}

}  // namespace florin::telemetry
