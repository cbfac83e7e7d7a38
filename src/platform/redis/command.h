#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace florin::redis {

/// One command in the form that goes over the wire. Its parts are bytes.
class Command {
public:
    Command(std::initializer_list<std::string_view> parts);
    explicit Command(std::span<const std::string_view> parts);
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

}  // namespace florin::redis
