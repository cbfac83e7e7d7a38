#include <cstddef>
#include <cstdint>
#include <string_view>

#include "platform/aws/profile_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    florin::aws::Profiles profiles;
    florin::aws::add_profiles(profiles, text, florin::aws::ProfileFile::Credentials);
    florin::aws::add_profiles(profiles, text, florin::aws::ProfileFile::Config);
    return 0;
}
