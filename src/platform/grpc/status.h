#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace florin::grpc {

/// The canonical codes (grpc/doc/statuscodes.md); the numbers are those of the wire.
enum class Code : std::uint8_t {
    Ok = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
};

/// "OK", "InvalidArgument", …: the label value that gRPC metrics use.
std::string_view name_of(Code code);

struct Status {
    Code code = Code::Ok;
    std::string message;

    [[nodiscard]] bool ok() const { return code == Code::Ok; }
};

/// A message, or why there is none.
template <class Message>
using Reply = std::expected<Message, Status>;

}  // namespace florin::grpc
