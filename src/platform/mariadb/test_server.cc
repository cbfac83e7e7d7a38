#include "platform/mariadb/test_server.h"

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/mariadb/connection.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t memory_bytes_min = std::uint64_t{2} << 30U;

fs::path base_folder() {
    const fs::path memory = "/dev/shm";
    struct statvfs space{};
    const bool roomy = ::access(memory.c_str(), W_OK) == 0 &&
                       ::statvfs(memory.c_str(), &space) == 0 &&
                       space.f_bavail * space.f_frsize >= memory_bytes_min;
    return roomy ? memory : fs::temp_directory_path();
}

std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Starts a program whose output goes to `log` and which dies with the thread that starts it at the
/// latest.
pid_t spawn(const std::vector<std::string>& command, const fs::path& log) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("cannot start " + command.front());
    if (child > 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execvp(words.front(), words.data());
    ::_exit(127);
}

int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::vector<std::string> as_this_user(std::vector<std::string> command) {
    if (::geteuid() == 0) command.emplace_back("--user=root");
    return command;
}

}  // namespace

TestServer::TestServer(std::vector<std::string> options) : options_(std::move(options)) {
    std::string name = (base_folder() / "florin-mariadb-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
    folder_ = name;
    const int code = wait_for(
        spawn(as_this_user({"mariadb-install-db", "--no-defaults", "--datadir=" + name + "/data",
                            "--auth-root-authentication-method=normal", "--skip-test-db",
                            "--skip-name-resolve", "--innodb-log-file-size=8M",
                            "--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=0",
                            "--innodb-doublewrite=0"}),
              folder_ / "install.log"));
    if (code != 0) {
        const std::string log = text_of(folder_ / "install.log");
        fs::remove_all(folder_);
        throw std::runtime_error(
            "mariadb-install-db failed; `make setup test-servers` installs it: " + log);
    }
    try {
        start();
    } catch (const std::runtime_error&) {
        clear_away();
        throw;
    }
}

TestServer::~TestServer() {
    clear_away();
}

void TestServer::clear_away() {
    end(SIGKILL);
    std::error_code kept;
    fs::remove_all(folder_, kept);
}

TestServer& TestServer::shared() {
    static TestServer server;
    return server;
}

std::vector<std::string> TestServer::command() const {
    const std::string folder = folder_.string();
    auto command = as_this_user(
        {"mariadbd", "--no-defaults", "--datadir=" + folder + "/data", "--socket=" + folder + "/s",
         "--pid-file=" + folder + "/pid", "--skip-networking", "--skip-name-resolve",
         "--performance-schema=0", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=32M",
         "--innodb-flush-log-at-trx-commit=1", "--innodb-file-per-table=0", "--skip-log-bin",
         "--max-connections=500"});
    command.insert(command.end(), options_.begin(), options_.end());
    return command;
}

void TestServer::start() {
    process_ = spawn(command(), folder_ / "server.log");
    wait_until_it_answers();
}

void TestServer::wait_until_it_answers() {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        try {
            run("DO 1");
            return;
        } catch (const std::runtime_error& fault) {
            const bool ended = ::waitpid(process_, nullptr, WNOHANG) != 0;
            if (ended) process_ = -1;
            if (ended || std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("mariadbd does not start: " + std::string(fault.what()) +
                                         "\n" + text_of(folder_ / "server.log"));
            }
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void TestServer::end(int signal) {
    const pid_t process = process_.exchange(-1);
    if (process < 0) return;
    ::kill(process, signal);
    wait_for(process);
}

void TestServer::stop() {
    end(SIGTERM);
}
void TestServer::kill() {
    end(SIGKILL);
}
void TestServer::pause() const {
    ::kill(process_, SIGSTOP);
}
void TestServer::resume() const {
    ::kill(process_, SIGCONT);
}

Address TestServer::address(const std::string& database) const {
    Address address;
    address.socket = (folder_ / "s").string();
    address.user = "root";
    address.database = database;
    return address;
}

void TestServer::run(const std::string& sql) const {
    Connection(address(""), {}, Use::Setup).run(sql);
}

}  // namespace florin::mariadb
