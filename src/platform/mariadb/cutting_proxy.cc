#include "platform/mariadb/cutting_proxy.h"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace florin::mariadb {
namespace {

constexpr int poll_ms = 20;

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = path.string();
    if (text.size() >= sizeof(address.sun_path)) throw std::runtime_error(text + " is too long");
    std::memcpy(address.sun_path, text.c_str(), text.size());
    return address;
}

bool forward(int to, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

}  // namespace

CuttingProxy::CuttingProxy(std::filesystem::path server, std::filesystem::path path)
    : server_(std::move(server)), path_(std::move(path)) {
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(path_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(listener_, 64) != 0) {
        throw std::runtime_error("cannot listen at " + path_.string());
    }
    thread_ = std::thread([this] { serve(); });
}

CuttingProxy::~CuttingProxy() {
    stopping_ = true;
    thread_.join();
    for (const Pair& pair : pairs_) {
        ::close(pair.client);
        ::close(pair.server);
    }
    ::close(listener_);
    std::error_code kept;
    std::filesystem::remove(path_, kept);
}

void CuttingProxy::cut_at(std::string text, Cut cut) {
    const std::scoped_lock lock(mutex_);
    text_ = std::move(text);
    cut_ = cut;
}

void CuttingProxy::serve() {
    while (!stopping_) {
        std::vector<pollfd> watched = {{listener_, POLLIN, 0}};
        for (const Pair& pair : pairs_) {
            watched.push_back({pair.client, POLLIN, 0});
            watched.push_back({pair.server, POLLIN, 0});
        }
        if (::poll(watched.data(), watched.size(), poll_ms) <= 0) continue;
        std::vector<Pair> kept;
        for (std::size_t i = 0; i < pairs_.size(); ++i) {
            Pair& pair = pairs_[i];
            bool open = true;
            if (watched[1 + 2 * i].revents != 0) open = forward_from_client(pair);
            if (open && watched[2 + 2 * i].revents != 0) open = forward_from_server(pair);
            if (open) {
                kept.push_back(pair);
            } else {
                ::close(pair.client);
                ::close(pair.server);
            }
        }
        pairs_ = std::move(kept);
        if (watched[0].revents != 0) accept_one();
    }
}

void CuttingProxy::accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(server_);
    if (refuses_ ||
        ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
        ::close(client);
        ::close(server);
        return;
    }
    pairs_.push_back({client, server});
}

bool CuttingProxy::forward_from_client(Pair& pair) {
    std::array<char, 65'536> buffer{};
    const ssize_t got = ::recv(pair.client, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    {
        const std::scoped_lock lock(mutex_);
        if (!text_.empty() && bytes.find(text_) != std::string_view::npos) {
            text_.clear();
            if (cut_ == Cut::BeforeIt) {
                ++cuts_;
                return false;
            }
            pair.ends_with_answer = true;
        }
    }
    return forward(pair.server, bytes);
}

bool CuttingProxy::forward_from_server(Pair& pair) {
    std::array<char, 65'536> buffer{};
    const ssize_t got = ::recv(pair.server, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    if (pair.ends_with_answer) {
        ++cuts_;
        return false;
    }
    return forward(pair.client, {buffer.data(), static_cast<std::size_t>(got)});
}

}  // namespace florin::mariadb
