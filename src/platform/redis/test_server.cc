#include "platform/redis/test_server.h"

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/require.h"

namespace florin::redis {
namespace {

constexpr const char* program = "/usr/bin/redis-server";
constexpr int starts_max = 5;
constexpr std::chrono::seconds patience{60};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

struct QuietPorts {
    int first = 10'000;
    int count = 50'000;
};

/// Ports that the kernel gives to no client: one that knocks at a server which was killed may be
/// given that very port, reach itself, and keep the server from coming back.
QuietPorts quiet_ports() {
    int low = 0;
    int high = 0;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> low >> high;
    if (low >= 15'000) return {10'000, low - 10'000};
    if (high > 0 && high <= 60'000) return {high + 1, 65'535 - high};
    return {};
}

/// Processes that run beside each other look at different ports.
constexpr int ports_of_a_process = 50;

bool is_free(std::uint16_t port) {
    const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port);
    const bool bound =
        ::bind(listening, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(listening);
    return bound;
}

}  // namespace

std::uint16_t TestServer::free_port() {
    static const QuietPorts ports = quiet_ports();
    static int given = ports_of_a_process * ::getpid();
    for (int tries = 0; tries < ports.count; ++tries) {
        const auto port = static_cast<std::uint16_t>(ports.first + given++ % ports.count);
        if (is_free(port)) return port;
    }
    throw std::runtime_error("the system has no free port");
}

bool TestServer::available() {
    return ::access(program, X_OK) == 0;
}

TestServer::TestServer(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
    std::string name =
        (std::filesystem::temp_directory_path() / "florin-redis-test-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "the temporary folder can be written");
    folder_ = name;
    // Somebody else may take the port before the server does.
    for (int attempt = 1; process_ < 0; ++attempt) {
        port_ = free_port();
        try {
            start();
        } catch (const std::runtime_error&) {
            if (attempt == starts_max) throw;
        }
    }
}

TestServer::~TestServer() {
    kill();
    std::filesystem::remove_all(folder_);
}

std::string TestServer::url() const {
    return "redis://127.0.0.1:" + std::to_string(port_) + "/0";
}

void TestServer::kill() {
    if (process_ < 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = -1;
}

void TestServer::pause() {
    ::kill(process_, SIGSTOP);
}

void TestServer::go_on() {
    ::kill(process_, SIGCONT);
}

void TestServer::start() {
    spawn();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!answers()) {
        const bool ended = ::waitpid(process_, nullptr, WNOHANG) != 0;
        if (ended) process_ = -1;
        if (ended || std::chrono::steady_clock::now() > deadline) {
            kill();
            throw std::runtime_error("redis-server does not start on port " +
                                     std::to_string(port_));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

void TestServer::spawn() {
    std::vector<std::string> texts{program,
                                   "--bind",
                                   "127.0.0.1",
                                   "--port",
                                   std::to_string(port_),
                                   "--dir",
                                   folder_,
                                   "--save",
                                   "",
                                   "--appendonly",
                                   "no",
                                   "--logfile",
                                   "redis.log",
                                   "--daemonize",
                                   "no"};
    texts.insert(texts.end(), arguments_.begin(), arguments_.end());
    std::vector<char*> arguments;
    arguments.reserve(texts.size() + 1);
    for (std::string& text : texts) arguments.push_back(text.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    process_ = ::fork();
    require(process_ >= 0, "a process can be started");
    if (process_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);  // it died before the line above
    ::execv(program, arguments.data());
    ::_exit(127);
}

/// Any answer will do: one that asks for a password comes from a server that is ready.
bool TestServer::answers() const {
    const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(port_);
    constexpr std::string_view question = "PING\r\n";
    std::array<char, 256> answer{};
    const bool answered =
        ::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
        ::send(connection, question.data(), question.size(), MSG_NOSIGNAL) > 0 &&
        ::recv(connection, answer.data(), answer.size(), 0) > 0;
    ::close(connection);
    return answered && !std::string_view(answer.data()).starts_with("-LOADING");
}

}  // namespace florin::redis
