#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace florin::app {

struct LoadedSettings;

/// What one check found.
struct Finding {
    enum class Verdict : std::uint8_t { Fine, Warning, Problem };
    Verdict verdict = Verdict::Fine;
    std::string text;    // what was looked at and what is the case
    std::string remedy;  // what to do; empty when there is nothing to do
};

/// Looks at everything that could keep `serve` with these settings from working: ports, the data
/// folder, secrets, files, limits, the clock. Changes nothing that lasts.
std::vector<Finding> examine(const LoadedSettings& loaded);

/// Prints the findings (or the complaints about the settings) to stdout: 1 when one is a problem.
int run_doctor(const std::expected<LoadedSettings, std::vector<std::string>>& loaded);

// The parts of the checks that only judge.

/// The inode of the socket that listens on `port`, from the text of /proc/net/tcp or tcp6.
std::optional<std::uint64_t> listening_inode(std::string_view proc_net_tcp, std::uint16_t port);
Finding judge_free_space(const std::string& folder, std::uint64_t free_bytes);
Finding judge_open_files(std::uint64_t limit, std::uint64_t connections_max);
std::vector<Finding> judge_secrets(const LoadedSettings& loaded);

}  // namespace florin::app
