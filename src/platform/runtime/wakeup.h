#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {

class Loop;

/// A background service's reason to look again: a due time or a call from another thread. One
/// waiter.
class Wakeup {
public:
    /// `loop` must outlive this object; `wait_until` is called on it.
    explicit Wakeup(Loop& loop);
    ~Wakeup();

    /// Ends the current wait, or the next one at once if none is under way. Thread-safe; many calls
    /// before the waiter looks are one.
    void notify();

    /// Resumes at `due` by `clock`, or earlier after `notify`; without `due`, only then.
    awaitable<void> wait_until(const Clock& clock, std::optional<Instant> due);

private:
    struct State;
    Loop& loop_;
    std::atomic<bool> notified_{false};
    std::shared_ptr<State> state_;  // shared with notifications on their way to the loop
};

}  // namespace florin::runtime
