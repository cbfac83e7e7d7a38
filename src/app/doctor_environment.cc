#include "app/doctor_environment.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/doctor_command.h"

namespace florin::app {
namespace {

namespace fs = std::filesystem;

/// Closes a file descriptor when it leaves the scope.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

std::string text_of_errno(int error) {
    return std::generic_category().message(error);
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::string name_process(std::string_view pid) {
    std::string name = read_file(fs::path("/proc") / pid / "comm");
    while (!name.empty() && name.back() == '\n') name.pop_back();
    return fmt::format("{} (process {})", name.empty() ? "a program" : name, pid);
}

bool holds_socket(const fs::path& process, const std::string& socket) {
    std::error_code ignored;  // a process may end, or be another user's, while we look
    for (fs::directory_iterator entry(process / "fd", ignored), end; entry != end;
         entry.increment(ignored)) {
        if (fs::read_symlink(entry->path(), ignored) == socket) return true;
    }
    return false;
}

std::string name_listener(std::uint16_t port) {
    auto inode = listening_inode(read_file("/proc/net/tcp"), port);
    if (!inode) inode = listening_inode(read_file("/proc/net/tcp6"), port);
    if (inode) {
        const std::string socket = fmt::format("socket:[{}]", *inode);
        std::error_code ignored;
        for (fs::directory_iterator entry("/proc", ignored), end; entry != end;
             entry.increment(ignored)) {
            const std::string pid = entry->path().filename().string();
            if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
            if (holds_socket(entry->path(), socket)) return name_process(pid);
        }
    }
    return "a process that this user may not see";
}

int bind_error(const std::string& address, std::uint16_t port) {
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    const bool is_v4 = inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) != 1) return EINVAL;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    const Descriptor socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.number() < 0) return errno;
    // As the servers do: a port whose old connections linger is free.
    const int on = 1;
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto* target =
        is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
    const socklen_t length = is_v4 ? sizeof(v4) : sizeof(v6);
    if (::bind(socket.number(), target, length) != 0) return errno;
    return ::listen(socket.number(), 1) == 0 ? 0 : errno;
}

std::string try_writing(const fs::path& folder) {
    std::string probe = (folder / ".florin-doctor-XXXXXX").string();
    const Descriptor file(::mkostemp(probe.data(), O_CLOEXEC));
    if (file.number() < 0) return text_of_errno(errno);
    ::unlink(probe.c_str());
    constexpr std::string_view text = "probe";
    // A full disk lets files be made and refuses their content.
    if (::write(file.number(), text.data(), text.size()) < 0 || ::fsync(file.number()) != 0) {
        return text_of_errno(errno);
    }
    return "";
}

/// The process in /proc/locks that holds a flock on the file with that inode.
std::string name_lock_holder(std::uint64_t inode) {
    std::istringstream locks(read_file("/proc/locks"));
    const std::string suffix = fmt::format(":{} ", inode);
    for (std::string line; std::getline(locks, line);) {
        if (line.find(suffix) == std::string::npos) continue;
        std::istringstream words(line);
        std::string number, kind, mode, access, pid;
        if (words >> number >> kind >> mode >> access >> pid && kind == "FLOCK") {
            return name_process(pid);
        }
    }
    return "another process";
}

std::string find_holder(const fs::path& folder) {
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end;
         entry.increment(ignored)) {
        if (entry->path().extension() != ".lock") continue;
        const Descriptor file(::open(entry->path().c_str(), O_RDONLY | O_CLOEXEC));
        if (file.number() < 0) continue;
        if (::flock(file.number(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) continue;
        struct stat about{};
        if (::fstat(file.number(), &about) == 0) return name_lock_holder(about.st_ino);
    }
    return "";
}

}  // namespace

std::optional<std::uint64_t> listening_inode(std::string_view proc_net_tcp, std::uint16_t port) {
    std::istringstream lines{std::string(proc_net_tcp)};
    const std::string wanted = fmt::format(":{:04X}", port);
    for (std::string line; std::getline(lines, line);) {
        // sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
        std::istringstream words(line);
        std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
        words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >>
            timeout >> inode;
        if (state != "0A" || !local.ends_with(wanted)) continue;
        std::uint64_t number = 0;
        const auto read = std::from_chars(inode.data(), inode.data() + inode.size(), number);
        if (read.ec == std::errc()) return number;
    }
    return std::nullopt;
}

PortState try_port(const std::string& address, std::uint16_t port) {
    const int error = bind_error(address, port);
    switch (error) {
        case 0:
            return {PortState::Kind::Free, ""};
        case EADDRINUSE:
            return {PortState::Kind::Taken, name_listener(port)};
        case EACCES:
            return {PortState::Kind::Forbidden, text_of_errno(error)};
        default:
            return {PortState::Kind::NoSuchAddress, text_of_errno(error)};
    }
}

FolderState look_at_folder(const fs::path& folder) {
    FolderState state;
    std::error_code error;
    fs::path existing = fs::absolute(folder, error).lexically_normal();
    while (!fs::exists(existing, error) && existing.has_parent_path() &&
           existing != existing.parent_path()) {
        existing = existing.parent_path();
    }
    state.path = existing.string();
    if (!fs::is_directory(existing, error)) {
        state.problem = state.path + " is not a folder";
        return state;
    }
    if (const std::string reason = try_writing(existing); !reason.empty()) {
        state.problem = state.path + " cannot be written: " + reason;
        return state;
    }
    struct statvfs disk{};
    if (::statvfs(existing.c_str(), &disk) == 0) state.free_bytes = disk.f_bavail * disk.f_frsize;
    state.holder = find_holder(existing);
    return state;
}

}  // namespace florin::app
