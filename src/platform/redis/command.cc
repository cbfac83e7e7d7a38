#include "platform/redis/command.h"

#include <new>
#include <vector>

#include <hiredis/hiredis.h>

namespace florin::redis {

Command::Command(std::initializer_list<std::string_view> parts)
    : Command(std::span<const std::string_view>(parts.begin(), parts.size())) {}

Command::Command(std::span<const std::string_view> parts) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    texts.reserve(parts.size());
    sizes.reserve(parts.size());
    for (const std::string_view part : parts) {
        texts.push_back(part.data());
        sizes.push_back(part.size());
    }
    char* formatted = nullptr;
    const int size = redisFormatCommandArgv(&formatted, static_cast<int>(parts.size()),
                                            texts.data(), sizes.data());
    if (size < 0) throw std::bad_alloc();
    bytes_.assign(formatted, static_cast<std::size_t>(size));
    redisFreeCommand(formatted);
}

}  // namespace florin::redis
