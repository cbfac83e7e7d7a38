#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace florin::telemetry {

enum class Level : std::uint8_t { Debug, Info, Warning, Error };

/// One key and value of a structured line. Views: they need to live only for the call.
struct Field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, double, bool> value;

    Field(std::string_view k, std::string_view v) : key(k), value(v) {}
    Field(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
    Field(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
    Field(std::string_view k, bool v) : key(k), value(v) {}
    Field(std::string_view k, double v) : key(k), value(v) {}
    template <std::integral Int>
    Field(std::string_view k, Int v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

enum class Format : std::uint8_t { Console, Json };

struct LogOptions {
    Format format = Format::Console;
    Level level = Level::Info;
    bool colour = true;  // only of the console format
    int descriptor = 1;  // stdout; stays the caller's
    /// Lines waiting for the writing thread; more are dropped and counted, callers never wait.
    std::size_t queue_lines_max = 8'192;
    /// Lines of one message a second that are written whole; the rest are counted in a summary
    /// line.
    std::uint32_t same_message_per_second_max = 100;
};

/// Starts the process's log. `main` makes the one session before any thread; without it (unit
/// tests) lines go nowhere. When it dies, after the threads that log, it writes what is queued.
class LogSession {
public:
    explicit LogSession(const LogOptions& options);
    ~LogSession();
    LogSession(const LogSession&) = delete;
    LogSession& operator=(const LogSession&) = delete;

    class Sink;

private:
    std::unique_ptr<Sink> sink_;
};

/// Whether a line of this level would be written: lets a hot path skip building its fields.
[[nodiscard]] bool enabled(Level level);

/// Writes one structured line. `message` is a constant text, in the present perfect of what
/// happened; what varies goes into fields. Never pass a secret, card data or a signature.
/// Thread-safe, never blocks on output.
void log(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
    log(Level::Info, message, fields);
}
inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
    log(Level::Debug, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
    log(Level::Warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
    log(Level::Error, message, fields);
}

/// Logs and counts a fault that ended a detached task.
void background_fault(std::string_view task, std::string_view what);

/// Counts since start, for /metrics.
[[nodiscard]] std::uint64_t lines_dropped();
[[nodiscard]] std::uint64_t background_faults();

}  // namespace florin::telemetry
