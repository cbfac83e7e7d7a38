#include "platform/telemetry/process_metrics.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::telemetry {
namespace {

double cpu_seconds() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The `field`-th number of /proc/self/statm (from 0), which counts pages, in bytes.
double memory_bytes(int field) {
    std::ifstream file("/proc/self/statm");
    double pages = 0;
    for (int i = 0; i <= field; ++i) file >> pages;
    return pages * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_files() {
    std::error_code error;
    double count = -1;  // reading the folder opens it
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end; entry != end;
         entry.increment(error)) {
        ++count;
    }
    return count < 0 ? 0 : count;
}

double open_files_max() {
    rlimit limit{};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double boot_time_seconds() {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;) {
        double seconds = 0;
        if (word == "btime" && file >> seconds) return seconds;
    }
    return 0;
}

/// Since the epoch.
double start_time_seconds() {
    std::ifstream file("/proc/self/stat");
    std::string line;
    std::getline(file, line);
    // The program's name, in parentheses, may hold blanks: count fields after it. The start is the
    // 22nd of all, in clock ticks after boot.
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream rest(line.substr(name_end + 1));
    std::string skipped;
    for (int field = 3; field < 22; ++field) rest >> skipped;
    double ticks = 0;
    rest >> ticks;
    return boot_time_seconds() + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double allocated_bytes() {
    const auto info = mallinfo2();
    return static_cast<double>(info.uordblks + info.hblkhd);
}

}  // namespace

void register_process_metrics(Metrics& metrics, std::function<double()> live_tasks) {
    metrics.counter_from("process_cpu_seconds_total", "User and system CPU time in seconds.", {},
                         cpu_seconds);
    metrics.gauge_from("process_resident_memory_bytes", "Resident memory in bytes.", {},
                       [] { return memory_bytes(1); });
    metrics.gauge_from("process_virtual_memory_bytes", "Virtual memory in bytes.", {},
                       [] { return memory_bytes(0); });
    metrics.gauge_from("process_open_fds", "Open file descriptors.", {}, open_files);
    metrics.gauge_from("process_max_fds", "Open file descriptors allowed.", {}, open_files_max);
    metrics.gauge_from("process_start_time_seconds",
                       "Start time of the process in seconds since the Unix epoch.", {},
                       [start = start_time_seconds()] { return start; });
    metrics.gauge_from("go_memstats_alloc_bytes",
                       "Bytes allocated on the heap (stand-in: this is no Go program).", {},
                       allocated_bytes);
    if (live_tasks) {
        metrics.gauge_from("go_goroutines",
                           "Asynchronous tasks under way (stand-in: this is no Go program).", {},
                           std::move(live_tasks));
    }
    metrics.counter_from("florin_log_lines_dropped_total",
                         "Log lines dropped because the output was too slow.", {},
                         [] { return static_cast<double>(lines_dropped()); });
    metrics.counter_from("florin_background_faults_total", "Background tasks ended by a fault.", {},
                         [] { return static_cast<double>(background_faults()); });
}

}  // namespace florin::telemetry
