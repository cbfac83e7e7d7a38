#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// What the doctor asks of the machine.
namespace florin::app {

struct PortState {
    enum class Kind : std::uint8_t { Free, Taken, Forbidden, NoSuchAddress };
    Kind kind = Kind::Free;
    std::string detail;  // who has it, or why not
};

/// Opens and closes the port. Who has a taken one comes from /proc, as far as this user may look.
PortState try_port(const std::string& address, std::uint16_t port);

struct FolderState {
    std::string path;     // the folder, or the parent it would be created in
    std::string problem;  // why it cannot be written; empty when it can
    std::string holder;   // the process that has the database locked; empty when nobody has
    std::uint64_t free_bytes = 0;
};

/// Leaves nothing behind: a missing folder is judged by its nearest existing parent.
FolderState look_at_folder(const std::filesystem::path& folder);

}  // namespace florin::app
