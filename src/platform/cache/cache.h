#pragma once

#include <optional>
#include <string>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::cache {

/// Port: values by key that may be gone, or another's, at any time: who reads one must be able to
/// tell that it is its own, and to do without.
class Cache {
public:
    virtual ~Cache() = default;

    /// The value; nothing when there is none, or it cannot be had soon.
    virtual awaitable<std::optional<std::string>> find(std::string key) = 0;

    /// Keeps a value for `lifetime`, more than zero. Nobody waits: it is there a little later, or
    /// never.
    virtual void keep(std::string key, std::string value, Milliseconds lifetime) = 0;
};

}  // namespace florin::cache
