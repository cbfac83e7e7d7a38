#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace florin::redis {

/// A redis-server of our own for tests: on a free loopback port, in a temporary folder, keeping
/// nothing. It ends with this object, and when this process dies. From one thread, which must not
/// end before the test does.
class TestServer {
public:
    /// `arguments` are more options of redis-server.
    explicit TestServer(std::vector<std::string> arguments = {});
    ~TestServer();
    TestServer(const TestServer&) = delete;
    TestServer& operator=(const TestServer&) = delete;

    /// Whether the program is installed.
    static bool available();

    /// One that nobody listens on now, and that is given to no client.
    static std::uint16_t free_port();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::string url() const;

    void kill();   // at once, without a word
    void start();  // again on the same port, after `kill`; empty
    void pause();  // as if it hung: it keeps its connections and answers nothing
    void go_on();

private:
    void spawn();
    [[nodiscard]] bool answers() const;

    std::vector<std::string> arguments_;
    std::string folder_;
    std::uint16_t port_ = 0;
    pid_t process_ = -1;
};

}  // namespace florin::redis
