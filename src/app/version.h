#pragma once

namespace florin::app {

/// The release, such as "0.1.0".
const char* version();
/// The commit the build was configured at, or "unknown" outside a checkout.
const char* commit();

}  // namespace florin::app
