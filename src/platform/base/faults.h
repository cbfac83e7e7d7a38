#pragma once

#include <stdexcept>

namespace florin {

/// A bounded queue is full: the caller should answer RESOURCE_EXHAUSTED or 503 and the client
/// retry.
class Overloaded : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A dependency (store, disk, broker) cannot serve now: UNAVAILABLE or 503.
class Unavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace florin
