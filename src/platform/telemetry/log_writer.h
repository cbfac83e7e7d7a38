#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace florin::telemetry {

/// Lines on their way to a file descriptor, written in batches by a thread of its own. Callers
/// never wait for output: what does not fit into the queue is dropped and counted.
class LogWriter {
public:
    struct Options {
        int descriptor = 1;
        std::size_t queue_lines_max = 8'192;
        std::size_t queue_bytes_max = 4UL * 1024 * 1024;
    };

    /// `each_second` runs on the writing thread about once a second while lines come: it appends
    /// lines of its own to the batch and says whether there was anything to do.
    LogWriter(Options options, std::move_only_function<bool(std::string& batch)> each_second);
    /// Writes what is queued, for at most two seconds if the reader of the descriptor is stuck.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// Takes a line that ends in a newline. Thread-safe.
    void add(std::string_view line);

    [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

private:
    using Steady = std::chrono::steady_clock;

    void run();
    std::size_t take_batch(std::string& batch, Steady::time_point next_second);
    void write(std::string_view batch);
    bool wait_until_writable();

    const Options options_;
    bool quiet_ = false;  // of the thread: the last second had nothing to do
    std::move_only_function<bool(std::string&)> each_second_;
    std::size_t write_bytes_max_;

    std::mutex mutex_;
    std::condition_variable wake_;
    std::string pending_;
    std::size_t pending_lines_ = 0;
    bool asleep_ = false;  // the thread waits for a line, and wants to be woken

    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> stop_deadline_ns_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::thread thread_;
};

}  // namespace florin::telemetry
