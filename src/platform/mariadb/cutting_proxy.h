#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace florin::mariadb {

/// Stands between a store and its server, on unix sockets, and cuts one connection at a chosen
/// moment. Thread-safe.
class CuttingProxy {
public:
    enum class Cut : std::uint8_t {
        BeforeIt,  // the server never sees the text
        AfterIt    // the server sees and answers it, the client never learns
    };

    CuttingProxy(std::filesystem::path server, std::filesystem::path path);
    ~CuttingProxy();
    CuttingProxy(const CuttingProxy&) = delete;
    CuttingProxy& operator=(const CuttingProxy&) = delete;

    [[nodiscard]] std::string path() const { return path_.string(); }
    /// Cuts the next connection whose client sends `text`.
    void cut_at(std::string text, Cut cut);
    /// Hangs up on everybody who comes.
    void refuse_connections(bool refuse) { refuses_ = refuse; }
    [[nodiscard]] int cuts() const { return cuts_; }

private:
    struct Pair {
        int client;
        int server;
        bool ends_with_answer = false;
    };

    void serve();
    void accept_one();
    bool forward_from_client(Pair& pair);
    bool forward_from_server(Pair& pair);

    const std::filesystem::path server_;
    const std::filesystem::path path_;
    int listener_ = -1;
    std::atomic<bool> refuses_{false};
    std::atomic<bool> stopping_{false};
    std::atomic<int> cuts_{0};
    std::mutex mutex_;
    std::string text_;  // guarded by mutex_; empty: cut nothing
    Cut cut_ = Cut::BeforeIt;
    std::vector<Pair> pairs_;
    std::thread thread_;
};

}  // namespace florin::mariadb
