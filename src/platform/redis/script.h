#pragma once

#include <span>
#include <string>
#include <string_view>

#include "platform/redis/client.h"

namespace florin::redis {

/// A Lua script, which Redis runs as one step. It is called by its digest, and sent whole when the
/// server has not seen it or has forgotten it. Constant; thread-safe.
class Script {
public:
    explicit Script(std::string text);

    /// `arguments` are the keys, of which there are `keys`, and then the values.
    awaitable<Answer> run(Client& client, std::size_t keys,
                          std::vector<std::string> arguments) const;

private:
    [[nodiscard]] Command command(std::string_view name, std::string_view script, std::size_t keys,
                                  const std::vector<std::string>& arguments) const;

    const std::string text_;
    const std::string digest_;  // SHA-1, in hexadecimal
};

}  // namespace florin::redis
