#pragma once

#include <boost/asio/awaitable.hpp>

namespace florin {

/// A coroutine of the product: it runs on one event loop, starts when awaited or spawned, and takes
/// its parameters by value (or by reference to objects that outlive the service).
using boost::asio::awaitable;

}  // namespace florin
