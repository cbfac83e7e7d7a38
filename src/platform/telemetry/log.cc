#include "platform/telemetry/log.h"

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace florin::telemetry {
namespace {

constexpr std::array<std::string_view, 4> level_names = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> level_tags = {"DEBUG", "INFO ", "WARN ", "ERROR"};
constexpr std::array<std::string_view, 4> level_colours = {"\033[90m", "\033[32m", "\033[33m",
                                                           "\033[31m"};

using Buffer = fmt::basic_memory_buffer<char, 512>;

void append(Buffer& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

void append_escaped(Buffer& out, std::string_view text) {
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (byte < 0x20 || byte == 0x7F) {
            fmt::format_to(fmt::appender(out), "\\u{:04x}", byte);
        } else {
            out.push_back(c);
        }
    }
}

void append_value(Buffer& out, const Field& field) {
    std::visit(
        [&](const auto& value) {
            using Value = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<Value, std::string_view>) {
                out.push_back('"');
                append_escaped(out, value);
                out.push_back('"');
            } else {
                fmt::format_to(fmt::appender(out), "{}", value);
            }
        },
        field.value);
}

void append_time(Buffer& out, std::chrono::system_clock::time_point now) {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    fmt::format_to(fmt::appender(out), "{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(now)), ms % 1'000);
}

void format_json(Buffer& out, Level level, std::string_view message,
                 std::initializer_list<Field> fields) {
    append(out, "{\"level\":\"");
    append(out, level_names[static_cast<std::size_t>(level)]);
    append(out, "\",\"ts\":\"");
    append_time(out, std::chrono::system_clock::now());
    append(out, "\",\"msg\":\"");
    append_escaped(out, message);
    out.push_back('"');
    for (const auto& field : fields) {
        append(out, ",\"");
        append_escaped(out, field.key);
        append(out, "\":");
        append_value(out, field);
    }
    out.push_back('}');
}

void format_console(Buffer& out, bool colour, Level level, std::string_view message,
                    std::initializer_list<Field> fields) {
    append_time(out, std::chrono::system_clock::now());
    out.push_back(' ');
    if (colour) append(out, level_colours[static_cast<std::size_t>(level)]);
    append(out, level_tags[static_cast<std::size_t>(level)]);
    if (colour) append(out, "\033[0m");
    out.push_back(' ');
    append_escaped(out, message);
    for (const auto& field : fields) {
        append(out, colour ? "  \033[36m" : "  ");
        append_escaped(out, field.key);
        append(out, colour ? "\033[0m=" : "=");
        append_value(out, field);
    }
}

/// Lets the first lines of each message through every second and counts the rest. Messages are
/// constants, so their address names them; a table slot is shared by chance only, which costs
/// lines, never correctness.
class Sampler {
public:
    explicit Sampler(std::uint32_t per_second_max) : per_second_max_(per_second_max) {}

    struct Decision {
        bool write;
        std::uint64_t suppressed_before;  // in the second that has just ended
    };

    Decision take(std::string_view message, std::int64_t second) {
        auto& slot = slots_[std::hash<const void*>{}(message.data()) / 8 % slots_.size()];
        std::int64_t seen = slot.second.load(std::memory_order_relaxed);
        std::uint64_t suppressed = 0;
        if (seen != second && slot.second.compare_exchange_strong(seen, second)) {
            const std::uint32_t before = slot.count.exchange(0);
            suppressed = before > per_second_max_ ? before - per_second_max_ : 0;
        }
        const bool write = slot.count.fetch_add(1, std::memory_order_relaxed) < per_second_max_;
        return {write, suppressed};
    }

private:
    struct Slot {
        std::atomic<std::int64_t> second{0};
        std::atomic<std::uint32_t> count{0};
    };
    std::uint32_t per_second_max_;
    std::array<Slot, 1'024> slots_;
};

struct Sink {
    explicit Sink(const LogOptions& chosen)
        : options(chosen),
          sampler(chosen.same_message_per_second_max),
          pool(std::make_shared<spdlog::details::thread_pool>(chosen.queue_lines_max, 1)),
          logger(std::make_shared<spdlog::async_logger>(
              "florin", std::make_shared<spdlog::sinks::stdout_sink_st>(), pool,
              spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_pattern("%v");
        logger->set_level(spdlog::level::trace);
        logger->flush_on(spdlog::level::info);
    }

    void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
        Buffer line;
        if (options.format == Format::Json) {
            format_json(line, level, message, fields);
        } else {
            format_console(line, options.colour, level, message, fields);
        }
        logger->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
    }

    LogOptions options;
    Sampler sampler;
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

// The one log of the process: a line may come from any thread and any depth, and threading a logger
// through every constructor would say nothing a reader needs. Set before threads start.
std::atomic<Sink*> active{nullptr};
std::atomic<int> lowest_level{static_cast<int>(Level::Error) + 1};
std::atomic<std::uint64_t> background_fault_count{0};

}  // namespace

LogSession::LogSession(const LogOptions& options) {
    active = new Sink(options);
    lowest_level = static_cast<int>(options.level);
}

LogSession::~LogSession() {
    lowest_level = static_cast<int>(Level::Error) + 1;
    Sink* const sink = active.exchange(nullptr);
    sink->logger->flush();
    delete sink;  // the pool's destructor writes what is queued
}

bool enabled(Level level) {
    return static_cast<int>(level) >= lowest_level.load(std::memory_order_relaxed);
}

void log(Level level, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    Sink* const sink = active.load(std::memory_order_acquire);
    if (sink == nullptr) return;
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(
                            std::chrono::steady_clock::now().time_since_epoch())
                            .count();
    const auto decision = sink->sampler.take(message, second);
    if (decision.suppressed_before > 0) {
        sink->write(Level::Info, "Log lines have been left out",
                    {{"message", message}, {"lines", decision.suppressed_before}});
    }
    if (decision.write) sink->write(level, message, fields);
}

void background_fault(std::string_view task, std::string_view what) {
    ++background_fault_count;
    error("A background task has ended by a fault", {{"task", task}, {"fault", what}});
}

std::uint64_t lines_dropped() {
    Sink* const sink = active.load(std::memory_order_acquire);
    return sink != nullptr ? sink->pool->overrun_counter() : 0;
}

std::uint64_t background_faults() {
    return background_fault_count;
}

}  // namespace florin::telemetry
