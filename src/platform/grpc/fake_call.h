#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "platform/grpc/service.h"

namespace florin::grpc {

/// A call without a connection, for tests of services.
class FakeCall final : public Call {
public:
    [[nodiscard]] std::string_view metadata(std::string_view name) const override {
        const auto found = headers.find(name);
        return found == headers.end() ? std::string_view() : std::string_view(found->second);
    }
    [[nodiscard]] const std::string& trace_id() const override { return trace_id_; }
    [[nodiscard]] const std::string& peer() const override { return peer_; }
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const override {
        return std::nullopt;
    }
    [[nodiscard]] bool cancelled() const override { return false; }

    std::map<std::string, std::string, std::less<>> headers;

private:
    std::string trace_id_ = "trace-of-a-test";
    std::string peer_ = "127.0.0.1:1";
};

}  // namespace florin::grpc
