#pragma once

#include <cstdint>
#include <string_view>

namespace florin::store {

/// Which commands touch the same rows. A store with several writing connections sends those of one
/// route down one connection, so that they share batches instead of waiting for each other's locks;
/// a store with one writer ignores it. Only a hint: commands of one route may still meet in two
/// processes.
struct Route {
    std::uint64_t hash = 0;  // 0: no route, the first connection

    /// The route of a key (a merchant). The same in all processes and builds.
    static constexpr Route of(std::string_view key) {
        std::uint64_t hash = 0xCBF29CE484222325;  // FNV-1a
        for (const char character : key) {
            hash = (hash ^ static_cast<std::uint8_t>(character)) * 0x100000001B3;
        }
        return {hash != 0 ? hash : 1};
    }
};

}  // namespace florin::store
