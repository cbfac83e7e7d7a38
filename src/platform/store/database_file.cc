#include "platform/store/database_file.h"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "platform/store/store.h"

namespace florin::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* ephemeral_name = "florin-ephemeral-";
constexpr const char* file_name = "florin.db";
// Containers often have 64 MiB of shared memory: too little for a log and a database.
constexpr std::uint64_t shared_memory_bytes_min = std::uint64_t{1} << 30U;

std::string reason(int error) {
    return std::system_category().message(error);
}

fs::path lock_path(const fs::path& file) {
    return file.string() + ".lock";
}

/// A descriptor that holds the lock; -1 when another process has it.
int try_lock(const fs::path& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        throw StoreFault("cannot create " + path.string() + ": " + reason(errno) +
                         "; choose a folder that can be written with DATA_DIR");
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
    ::close(descriptor);
    return -1;
}

/// SQLite would create it readable for everybody, and gives its log the mode of the database.
void create_private(const fs::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        throw StoreFault("cannot open " + file.string() + ": " + reason(errno) +
                         "; give this user the right to read and write it");
    }
    ::close(descriptor);
}

fs::path ephemeral_base() {
    fs::path memory = "/dev/shm";
    struct statvfs space{};
    if (::access(memory.c_str(), W_OK) == 0 && ::statvfs(memory.c_str(), &space) == 0 &&
        space.f_bavail * space.f_frsize >= shared_memory_bytes_min) {
        return memory;
    }
    return fs::temp_directory_path();
}

/// A folder bears the ephemeral name only while its owner holds its lock, so whoever gets the lock
/// has found a folder whose owner is dead.
void remove_left_behind(const fs::path& base) {
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(base, unreadable)) {
        if (!entry.path().filename().string().starts_with(ephemeral_name)) continue;
        struct stat facts{};
        if (::lstat(entry.path().c_str(), &facts) != 0 || facts.st_uid != ::geteuid()) continue;
        const int lock = ::open(lock_path(entry.path() / file_name).c_str(), O_RDWR | O_CLOEXEC);
        if (lock < 0) continue;
        if (::flock(lock, LOCK_EX | LOCK_NB) == 0) {
            std::error_code kept;  // another start may be removing it too
            fs::remove_all(entry.path(), kept);
        }
        ::close(lock);
    }
}

}  // namespace

DatabaseFile DatabaseFile::at(const fs::path& file) {
    const fs::path path = fs::absolute(file);
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed) {
        throw StoreFault("cannot create the folder " + path.parent_path().string() + ": " +
                         failed.message() + "; choose one that can be written with DATA_DIR");
    }
    const int lock = try_lock(lock_path(path));
    if (lock < 0) {
        throw StoreFault("another process uses " + path.string() +
                         ": stop it, or give this one a folder of its own with DATA_DIR");
    }
    DatabaseFile held(path, lock);
    create_private(path);
    return held;
}

DatabaseFile DatabaseFile::ephemeral() {
    const fs::path base = ephemeral_base();
    remove_left_behind(base);
    std::string made = (base / "florin-starting-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) {
        throw StoreFault("cannot create a folder in " + base.string() + ": " + reason(errno) +
                         "; choose another with TMPDIR");
    }
    const int lock = try_lock(lock_path(fs::path(made) / file_name));
    const fs::path folder = base / (ephemeral_name + made.substr(made.size() - 6));
    std::error_code failed;
    fs::rename(made, folder, failed);
    DatabaseFile held(folder / file_name, lock);
    held.ephemeral_folder_ = folder;
    if (failed) throw StoreFault("cannot rename " + made + ": " + failed.message());
    create_private(held.path_);
    return held;
}

DatabaseFile::DatabaseFile(DatabaseFile&& other) noexcept
    : path_(std::move(other.path_)),
      ephemeral_folder_(std::exchange(other.ephemeral_folder_, std::nullopt)),
      lock_(std::exchange(other.lock_, -1)) {}

DatabaseFile::~DatabaseFile() {
    std::error_code kept;  // the next start removes what cannot be removed now
    if (ephemeral_folder_) fs::remove_all(*ephemeral_folder_, kept);
    if (lock_ >= 0) ::close(lock_);
}

}  // namespace florin::store
