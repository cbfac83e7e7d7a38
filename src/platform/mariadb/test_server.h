#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "platform/mariadb/address.h"
#include "platform/mariadb/connection.h"

namespace florin::mariadb {

/// How long tests wait for a server that is well, on a machine that is slow and busy.
inline constexpr std::chrono::seconds patience{60};
inline Timeouts patient_timeouts() {
    return {.connect = patience,
            .write = 2 * patience,
            .lock = patience,
            .read = 2 * patience,
            .idle_transaction = 2 * patience};
}

/// A MariaDB server of a test: data in a temporary folder (in memory where there is room), reached
/// through a unix socket. It goes with this object, and with the process, however that ends; more
/// exactly with the thread that has started it, which must live on.
class TestServer {
public:
    /// Makes the folder and starts. `options` are added to mariadbd's. Takes about a second.
    explicit TestServer(std::vector<std::string> options = {});
    ~TestServer();
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    /// The one that all tests of this process share, started when it is first asked for.
    static TestServer& shared();

    /// Root, at a database that need not exist yet.
    [[nodiscard]] Address address(const std::string& database) const;
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    void start();
    /// Waits until it has written everything.
    void stop();
    /// SIGKILL: what was not synced is gone.
    void kill();
    /// SIGSTOP and SIGCONT.
    void pause() const;
    void resume() const;
    /// Runs SQL as root, outside of any database. Throws when it fails.
    void run(const std::string& sql) const;

private:
    [[nodiscard]] std::vector<std::string> command() const;
    void end(int signal);
    void clear_away();
    void wait_until_it_answers();

    const std::vector<std::string> options_;
    std::filesystem::path folder_;
    std::atomic<pid_t> process_{-1};
};

}  // namespace florin::mariadb
