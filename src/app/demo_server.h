#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

namespace florin::app {

/// A server of this binary in a process of its own, for as long as this object lives: in memory, on
/// free ports of the loopback, with the default settings whatever those here are. Make it while the
/// process has one thread.
class DemoServer {
public:
    /// Returns when it is ready; throws `std::runtime_error` with the end of its log when it does
    /// not get there.
    DemoServer();
    ~DemoServer();
    DemoServer(const DemoServer&) = delete;
    DemoServer& operator=(const DemoServer&) = delete;

    [[nodiscard]] std::uint16_t http_port() const { return http_port_; }
    [[nodiscard]] std::uint16_t grpc_port() const { return grpc_port_; }

private:
    void wait_until_ready();
    [[nodiscard]] bool read_ports();
    [[nodiscard]] std::string log_text() const;
    void stop();
    void remove_folder() const;

    const std::filesystem::path folder_;
    pid_t process_ = -1;
    std::uint16_t http_port_ = 0;
    std::uint16_t grpc_port_ = 0;
};

}  // namespace florin::app
