#include "platform/telemetry/log_writer.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace florin::telemetry {
namespace {

// Lines gather this long, so that a busy process pays one write for many and no caller a wake-up.
constexpr std::chrono::milliseconds gathering_time{10};
constexpr std::chrono::seconds farewell_time{2};
constexpr int poll_ms = 100;

std::int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// A file takes a whole batch; a pipe or terminal that is ready takes this much without blocking.
std::size_t write_size_of(int descriptor) {
    struct stat about{};
    const bool file = ::fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode);
    return file ? SIZE_MAX : PIPE_BUF;
}

}  // namespace

LogWriter::LogWriter(Options options, std::move_only_function<bool(std::string&)> each_second)
    : options_(options),
      each_second_(std::move(each_second)),
      write_bytes_max_(write_size_of(options.descriptor)),
      thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
    stop_deadline_ns_ = steady_ns() + std::chrono::nanoseconds(farewell_time).count();
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void LogWriter::add(std::string_view line) {
    bool wake = false;
    {
        const std::scoped_lock lock(mutex_);
        if (pending_lines_ >= options_.queue_lines_max ||
            pending_.size() + line.size() > options_.queue_bytes_max) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        pending_ += line;
        ++pending_lines_;
        wake = std::exchange(asleep_, false) || pending_lines_ == options_.queue_lines_max / 2;
    }
    if (wake) wake_.notify_one();
}

void LogWriter::run() {
    // Signals are for the threads that know what to do with them; a closed pipe is an error code.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);

    std::string batch;
    auto next_second = Steady::now() + std::chrono::seconds(1);
    for (bool last = false; !last;) {
        const std::size_t lines = take_batch(batch, next_second);
        last = stopping_ && lines == 0;
        if (last || Steady::now() >= next_second) {
            quiet_ = !each_second_(batch) && lines == 0;
            next_second = Steady::now() + std::chrono::seconds(1);
        }
        write(batch);
    }
}

/// Waits for lines, at most until `next_second` unless all is quiet, and moves them to `batch`.
std::size_t LogWriter::take_batch(std::string& batch, Steady::time_point next_second) {
    batch.clear();
    std::unique_lock lock(mutex_);
    const auto woken = [this] { return !asleep_ || stopping_; };
    if (pending_lines_ == 0) {
        asleep_ = true;
        if (quiet_) {
            wake_.wait(lock, woken);
        } else {
            wake_.wait_until(lock, next_second, woken);
        }
        asleep_ = false;
    }
    if (pending_lines_ > 0) {
        wake_.wait_for(lock, gathering_time, [this] {
            return stopping_ || pending_lines_ >= options_.queue_lines_max / 2;
        });
    }
    std::swap(batch, pending_);
    return std::exchange(pending_lines_, 0);
}

void LogWriter::write(std::string_view batch) {
    while (!batch.empty()) {
        if (!wait_until_writable()) break;
        const std::size_t size = std::min(batch.size(), write_bytes_max_);
        const ssize_t written = ::write(options_.descriptor, batch.data(), size);
        if (written >= 0) {
            batch.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR && errno != EAGAIN) {
            break;
        }
    }
    // Nobody can be told on this channel; the count reaches /metrics.
    dropped_ += static_cast<std::uint64_t>(std::ranges::count(batch, '\n'));
}

bool LogWriter::wait_until_writable() {
    for (;;) {
        pollfd entry{options_.descriptor, POLLOUT, 0};
        const int ready = ::poll(&entry, 1, poll_ms);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
        if (stopping_ && steady_ns() >= stop_deadline_ns_) return false;
    }
}

}  // namespace florin::telemetry
