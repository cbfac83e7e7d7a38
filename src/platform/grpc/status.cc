#include "platform/grpc/status.h"

#include <array>

namespace florin::grpc {

std::string_view name_of(Code code) {
    constexpr std::array<std::string_view, 17> names = {
        "OK",       "Cancelled",      "Unknown",          "InvalidArgument",   "DeadlineExceeded",
        "NotFound", "AlreadyExists",  "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
        "Aborted",  "OutOfRange",     "Unimplemented",    "Internal",          "Unavailable",
        "DataLoss", "Unauthenticated"};
    return names[static_cast<std::size_t>(code)];
}

}  // namespace florin::grpc
