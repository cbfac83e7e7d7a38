#pragma once

namespace florin {

/// Ends the process (release builds too) when `condition` is false: the caller has a bug, and the
/// durable state is a better place to continue from than a wrong one. `why` says why it must hold.
void require(bool condition, const char* why);

}  // namespace florin
