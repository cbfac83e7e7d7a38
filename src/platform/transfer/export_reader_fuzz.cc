#include <cstdint>
#include <sstream>

#include "platform/base/require.h"
#include "platform/transfer/export_reader.h"

/// Whatever the file, it is read to its end or refused with a line; what is whole can be written
/// again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace transfer = florin::transfer;
    std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
    transfer::ExportReader reader(in);
    try {
        while (reader.next()) {
        }
    } catch (const transfer::BrokenExport& broken) {
        florin::require(std::string_view(broken.what()).starts_with("line "),
                        "a refusal names its line");
    }
    return 0;
}
