#include "app/demo_server.h"

#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <boost/json.hpp>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace florin::app {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds start_timeout{30};
constexpr std::chrono::milliseconds look_interval{5};
constexpr const char* log_name = "log";

std::filesystem::path make_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "florin-demo-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("no folder can be made in " +
                                 std::filesystem::temp_directory_path().string());
    return name;
}

/// In the child: only what is allowed between fork and exec. The environment is empty and the
/// folder holds no settings, so that the defaults apply.
[[noreturn]] void become_server(const char* folder, pid_t parent) {
    constexpr int failed = 127;
    std::array arguments = {
        "florin",    "serve",        "--ephemeral", "--grpc-port",
        "0",         "--http-port",  "0",           "--health-port",
        "0",         "--log-format", "json",        "--bind-address",
        "127.0.0.1", "--log-level",  "info",        static_cast<const char*>(nullptr)};
    std::array environment = {static_cast<char*>(nullptr)};
    // Who looks on may be killed; the server must not outlive it.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent || ::chdir(folder) != 0) ::_exit(failed);
    const int log = ::open(log_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || ::dup2(log, STDOUT_FILENO) < 0 || ::dup2(log, STDERR_FILENO) < 0)
        ::_exit(failed);
    ::execve("/proc/self/exe", const_cast<char* const*>(arguments.data()), environment.data());
    ::_exit(failed);
}

}  // namespace

DemoServer::DemoServer() : folder_(make_folder()) {
    const pid_t parent = ::getpid();
    process_ = ::fork();
    if (process_ == 0) become_server(folder_.c_str(), parent);
    if (process_ < 0) {
        std::filesystem::remove_all(folder_);
        throw std::runtime_error("no process can be started for the server");
    }
    try {
        wait_until_ready();
        remove_folder();  // at once: who looks on may be killed
    } catch (const std::exception&) {
        stop();
        throw;
    }
}

DemoServer::~DemoServer() {
    stop();
}

void DemoServer::stop() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
    remove_folder();
}

void DemoServer::remove_folder() const {
    std::error_code left_behind;
    std::filesystem::remove_all(folder_, left_behind);
}

void DemoServer::wait_until_ready() {
    const auto deadline = std::chrono::steady_clock::now() + start_timeout;
    while (!read_ports()) {
        siginfo_t ended{};
        const bool gone = ::waitid(P_PID, static_cast<id_t>(process_), &ended,
                                   WEXITED | WNOHANG | WNOWAIT) == 0 &&
                          ended.si_pid == process_;
        if (gone || std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("the server of the demo did not start; its log ends with\n" +
                                     log_text());
        }
        std::this_thread::sleep_for(look_interval);
    }
}

bool DemoServer::read_ports() {
    std::ifstream log(folder_ / log_name);
    for (std::string line; std::getline(log, line);) {
        if (line.find("Florin is ready") == std::string::npos) continue;
        json::error_code unfinished;
        const auto parsed = json::parse(line, unfinished);
        if (unfinished) return false;
        http_port_ = parsed.at("http_port").to_number<std::uint16_t>();
        grpc_port_ = parsed.at("grpc_port").to_number<std::uint16_t>();
        return true;
    }
    return false;
}

std::string DemoServer::log_text() const {
    constexpr std::size_t shown_bytes_max = 2'000;
    std::ifstream log(folder_ / log_name);
    std::string text(std::istreambuf_iterator<char>(log), {});
    if (text.size() > shown_bytes_max) text.erase(0, text.size() - shown_bytes_max);
    return text;
}

}  // namespace florin::app
