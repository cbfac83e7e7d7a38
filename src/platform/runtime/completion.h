#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/runtime/awaitable.h"

namespace florin::runtime {

/// One suspended coroutine, waiting for another thread to finish something. It lives in that
/// coroutine's frame: waiting allocates nothing, and finished completions form a list through
/// themselves, so a thread hands a whole batch back to a loop with one wake-up (`Loop::complete`).
class Completion {
public:
    Completion() = default;
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

    /// Suspends the calling coroutine, then runs `start()`, which hands this completion to whoever
    /// will finish it. Resumes on the loop when that party has passed it to `Loop::complete`.
    /// Cancellation does not cut the wait short: a commit that was started will end.
    template <class Start>
    awaitable<void> wait(Start start) {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
            [this, start = std::move(start)](auto handler) mutable {
                this->hold(std::move(handler));
                start();
            },
            boost::asio::use_awaitable);
    }

    /// Resumes the coroutine, which usually destroys this object. Only `Loop` calls it.
    void resume() { end_(*this, End::Resume); }
    /// Destroys the coroutine, as a dying loop does with all that waits on it. Only `Loop` calls
    /// it.
    void drop() { end_(*this, End::Drop); }

    Completion* next = nullptr;  // the list that `Loop::complete` takes

private:
    enum class End : std::uint8_t { Resume, Drop };

    template <class Handler>
    void hold(Handler handler) {
        static_assert(sizeof(Handler) <= sizeof(storage_));
        static_assert(alignof(Handler) <= alignof(std::max_align_t));
        ::new (static_cast<void*>(storage_)) Handler(std::move(handler));
        end_ = [](Completion& self, End end) {
            auto& held = *std::launder(reinterpret_cast<Handler*>(self.storage_));
            Handler moved(std::move(held));
            held.~Handler();  // NOLINT(bugprone-use-after-move): a moved-from handler still has to
                              // end
            if (end == End::Resume) std::move(moved)();
        };
    }

    void (*end_)(Completion&, End) = nullptr;
    alignas(std::max_align_t) std::byte storage_[64];
};

}  // namespace florin::runtime
