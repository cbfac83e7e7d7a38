#include "app/doctor_command.h"

#include <cstdio>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

#include "app/database_address.h"
#include "app/doctor_aws.h"
#include "app/doctor_database.h"
#include "app/doctor_environment.h"
#include "app/doctor_kafka.h"
#include "app/doctor_redis.h"
#include "app/load_settings.h"
#include "app/setting_rules.h"
#include "app/settings.h"
#include "platform/base/time.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

constexpr std::uint64_t mib = 1024UL * 1024;
constexpr std::uint64_t free_bytes_needed = 100 * mib;
constexpr std::uint64_t free_bytes_wanted = 1024 * mib;
// Files besides connections: database, logs, timers, the webhook client's pool.
constexpr std::uint64_t own_open_files = 1'024;

Finding check_port(const LoadedSettings& loaded, const char* setting, std::uint16_t port) {
    const std::string what =
        fmt::format("{} {} ({})", setting, port, source_of(loaded, setting).text);
    if (port == 0) return {Verdict::Fine, what + ": the system chooses a free port", ""};
    const PortState state = try_port(loaded.values.server.bind_address, port);
    switch (state.kind) {
        case PortState::Kind::Free:
            return {Verdict::Fine, what + " is free", ""};
        case PortState::Kind::Taken:
            return {Verdict::Problem, what + " is taken by " + state.detail,
                    fmt::format("stop that process, or choose another port with {}", setting)};
        case PortState::Kind::Forbidden:
            return {Verdict::Problem, what + " may not be opened: " + state.detail,
                    fmt::format("choose a {} of 1024 or more", setting)};
        case PortState::Kind::NoSuchAddress:
            return {Verdict::Problem,
                    "BIND_ADDRESS " + loaded.values.server.bind_address + ": " + state.detail,
                    "choose an address of this machine, or 0.0.0.0 for all of them"};
    }
    return {};
}

void check_storage(const Settings& settings, std::vector<Finding>& findings) {
    if (settings.storage.ephemeral) {
        findings.push_back({Verdict::Fine, "EPHEMERAL: nothing is written to disk", ""});
        return;
    }
    const FolderState folder = look_at_folder(settings.storage.data_dir);
    if (!folder.problem.empty()) {
        findings.push_back({Verdict::Problem, "DATA_DIR " + folder.problem,
                            "make the folder writable for this user, or choose another DATA_DIR"});
        return;
    }
    findings.push_back({Verdict::Fine, "DATA_DIR " + folder.path + " can be written", ""});
    findings.push_back(judge_free_space(folder.path, folder.free_bytes));
    if (!folder.holder.empty()) {
        findings.push_back({Verdict::Problem, "DATA_DIR is in use by " + folder.holder,
                            "stop that instance, or give this one a DATA_DIR of its own"});
    }
}

void check_file(const char* setting, const std::string& path, std::vector<Finding>& findings) {
    if (path.empty()) return;
    if (access(path.c_str(), R_OK) == 0) {
        findings.push_back({Verdict::Fine, fmt::format("{} {} can be read", setting, path), ""});
    } else {
        findings.push_back({Verdict::Problem, fmt::format("{} {} cannot be read", setting, path),
                            "check the path and the file's permissions"});
    }
}

Finding check_clock() {
    timex state{};
    const int status = adjtimex(&state);
    const auto year_2025 = instant_from_unix_us(1'735'689'600'000'000);
    if (SystemClock().now() < year_2025) {
        return {Verdict::Problem, "the clock is before 2025",
                "set it; signatures and expiry depend on it"};
    }
    if (status == TIME_ERROR) {
        return {Verdict::Warning, "the kernel does not know whether the clock is synchronized",
                "run an NTP service; receivers refuse webhooks that are off by 5 minutes"};
    }
    return {Verdict::Fine, "the clock is set", ""};
}

const char* mark_of(Verdict verdict, bool colour) {
    switch (verdict) {
        case Verdict::Fine:
            return colour ? "\033[32mok     \033[0m" : "ok     ";
        case Verdict::Warning:
            return colour ? "\033[33mwarning\033[0m" : "warning";
        case Verdict::Problem:
            return colour ? "\033[31mproblem\033[0m" : "problem";
    }
    return "";
}

int print(const std::vector<Finding>& findings) {
    const bool colour = isatty(STDOUT_FILENO) == 1;
    std::size_t problems = 0;
    for (const auto& [verdict, text, remedy] : findings) {
        fmt::print("{}  {}\n", mark_of(verdict, colour), text);
        if (!remedy.empty()) fmt::print("         -> {}\n", remedy);
        if (verdict == Verdict::Problem) ++problems;
    }
    if (problems == 0) {
        fmt::print("\nNothing stands in the way of `florin serve`.\n");
        return 0;
    }
    fmt::print("\n{} problem{} to solve before `florin serve` can work.\n", problems,
               problems == 1 ? "" : "s");
    return 1;
}

Finding judge_webhook_secret(const Settings& settings) {
    const std::string& secret = settings.webhooks.secret;
    if (secret.empty()) {
        return {Verdict::Warning, "WEBHOOK_SECRET is empty: webhooks are not signed",
                "give a secret of 16 characters or more"};
    }
    if (secret == default_webhook_secret && settings.environment != Environment::Development) {
        return {Verdict::Warning, "WEBHOOK_SECRET is the public default",
                "give one of your own, for example from `openssl rand -hex 32`"};
    }
    return {Verdict::Fine, "WEBHOOK_SECRET suits this environment", ""};
}

}  // namespace

Finding judge_free_space(const std::string& folder, std::uint64_t free_bytes) {
    const std::string text = fmt::format("{} MiB are free for {}", free_bytes / mib, folder);
    const char* const remedy = "free some space, or move DATA_DIR to a larger disk";
    if (free_bytes < free_bytes_needed) return {Verdict::Problem, "only " + text, remedy};
    if (free_bytes < free_bytes_wanted) return {Verdict::Warning, "only " + text, remedy};
    return {Verdict::Fine, text, ""};
}

Finding judge_open_files(std::uint64_t limit, std::uint64_t connections_max) {
    // Three ports each accept that many.
    const std::uint64_t wanted = 3 * connections_max + own_open_files;
    const std::string text = fmt::format("{} open files are allowed", limit);
    const std::string remedy = fmt::format(
        "raise it to {} (`ulimit -n {}`, LimitNOFILE), or lower MAX_CONNECTIONS", wanted, wanted);
    if (limit < own_open_files) return {Verdict::Problem, "only " + text, remedy};
    if (limit < wanted) {
        return {Verdict::Warning,
                "only " + text + fmt::format("; MAX_CONNECTIONS may need {}", wanted), remedy};
    }
    return {Verdict::Fine, text, ""};
}

std::vector<Finding> judge_secrets(const LoadedSettings& loaded) {
    const Settings& settings = loaded.values;
    std::vector<Finding> findings;
    // The reservation worker sends no webhooks.
    if (!settings.roles.has(Role::ReservationWorker))
        findings.push_back(judge_webhook_secret(settings));
    if (settings.environment == Environment::Production && settings.server.admin_token.empty()) {
        findings.push_back({Verdict::Warning,
                            "ADMIN_TOKEN is not set: the admin API refuses everyone",
                            "set it to use /api/gateway in production"});
    }
    return findings;
}

std::vector<Finding> examine(const LoadedSettings& loaded) {
    const Settings& settings = loaded.values;
    std::vector<Finding> findings;
    if (settings.roles.serve_grpc())
        findings.push_back(check_port(loaded, "GRPC_PORT", settings.server.grpc_port));
    findings.push_back(check_port(loaded, "HEALTH_PORT", settings.server.health_port));
    if (settings.roles.serve_http())
        findings.push_back(check_port(loaded, "HTTP_PORT", settings.server.http_port));
    if (database_address(settings)) {
        for (auto& finding : judge_database(settings)) findings.push_back(std::move(finding));
    } else {
        check_storage(settings, findings);
    }
    for (auto& finding : judge_secrets(loaded)) findings.push_back(std::move(finding));
    check_file("TLS_CERT_FILE", settings.server.tls_cert_file, findings);
    check_file("TLS_KEY_FILE", settings.server.tls_key_file, findings);
    check_file("WEBHOOK_CA_FILE", settings.webhooks.ca_file, findings);
    for (auto& finding : judge_redis(settings)) findings.push_back(std::move(finding));
    for (auto& finding : judge_kafka(settings)) findings.push_back(std::move(finding));
    for (auto& finding : judge_aws(settings, environment_here()))
        findings.push_back(std::move(finding));
    rlimit files{};
    getrlimit(RLIMIT_NOFILE, &files);
    findings.push_back(judge_open_files(files.rlim_cur, settings.server.connections_max));
    findings.push_back(check_clock());
    return findings;
}

int run_doctor(const std::expected<LoadedSettings, std::vector<std::string>>& loaded) {
    if (loaded) return print(examine(*loaded));
    std::vector<Finding> findings;
    for (const auto& complaint : loaded.error()) {
        findings.push_back({Verdict::Problem, complaint, ""});
    }
    return print(findings);
}

}  // namespace florin::app
