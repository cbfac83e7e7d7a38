#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"

namespace florin::runtime {
namespace internal {

struct NoResult {};
template <class T>
using Kept = std::conditional_t<std::is_void_v<T>, NoResult, T>;

template <class T>
awaitable<void> run_and_complete(awaitable<T> task, std::optional<Kept<T>>& result,
                                 std::exception_ptr& fault, Loop& home, Completion& done) {
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(task);
            result.emplace();
        } else {
            result.emplace(co_await std::move(task));
        }
    } catch (...) {
        fault = std::current_exception();
    }
    home.complete(&done);
}

}  // namespace internal

/// Runs `task` on `loop`, which must be running, and resumes on the caller's loop with what it
/// returned; rethrows what escaped it.
template <class T>
awaitable<T> run_on(Loop& loop, awaitable<T> task) {
    Loop& home = Loop::current();
    if (&home == &loop) co_return co_await std::move(task);
    std::optional<internal::Kept<T>> result;
    std::exception_ptr fault;
    Completion done;
    co_await done.wait([&] {
        spawn(loop, "run on",
              internal::run_and_complete(std::move(task), result, fault, home, done));
    });
    if (fault) std::rethrow_exception(fault);
    if constexpr (!std::is_void_v<T>) co_return std::move(*result);
}

}  // namespace florin::runtime
