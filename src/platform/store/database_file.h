#pragma once

#include <filesystem>
#include <optional>

namespace florin::store {

/// The one right to use a database file, for as long as this object lives; the kernel gives it back
/// when the process dies.
class DatabaseFile {
public:
    /// Creates the folder and the file (mode 0600) where they are missing. Throws `StoreFault` when
    /// another process has the file or the folder cannot be written.
    static DatabaseFile at(const std::filesystem::path& file);

    /// A file that nobody else knows, in memory where there is room for one; it goes with this
    /// object. What processes that were killed left behind is removed first.
    static DatabaseFile ephemeral();

    ~DatabaseFile();
    DatabaseFile(DatabaseFile&& other) noexcept;
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;
    DatabaseFile& operator=(DatabaseFile&&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    DatabaseFile(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::filesystem::path path_;
    std::optional<std::filesystem::path> ephemeral_folder_;
    int lock_ = -1;
};

}  // namespace florin::store
