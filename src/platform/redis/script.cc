#include "platform/redis/script.h"

#include <array>

#include <openssl/sha.h>

namespace florin::redis {
namespace {

std::string sha1_hex(const std::string& text) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    std::string hex;
    for (const unsigned char byte : digest) {
        hex += "0123456789abcdef"[byte >> 4U];
        hex += "0123456789abcdef"[byte & 0xFU];
    }
    return hex;
}

}  // namespace

Script::Script(std::string text) : text_(std::move(text)), digest_(sha1_hex(text_)) {}

Command Script::command(std::string_view name, std::string_view script, std::size_t keys,
                        const std::vector<std::string>& arguments) const {
    const std::string count = std::to_string(keys);
    std::vector<std::string_view> parts{name, script, count};
    parts.insert(parts.end(), arguments.begin(), arguments.end());
    return Command(parts);
}

awaitable<Answer> Script::run(Client& client, std::size_t keys,
                              std::vector<std::string> arguments) const {
    Answer answer = co_await client.call(command("EVALSHA", digest_, keys, arguments));
    if (answer || answer.error().kind != Failure::Kind::Refused ||
        !answer.error().reason.starts_with("NOSCRIPT")) {
        co_return answer;
    }
    co_return co_await client.call(command("EVAL", text_, keys, arguments));
}

}  // namespace florin::redis
