#pragma once

#include <optional>
#include <utility>

#include "platform/runtime/loop.h"

namespace florin::runtime {

/// Puts into `result` what `task` returns: for a task that is spawned. Nothing comes when it
/// throws.
template <class T>
awaitable<void> keep_result(awaitable<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
}

/// Runs `task` as `run_until_done` does and returns its result; rethrows what escapes it. For tests
/// and short commands; the loop must not be running.
template <class T>
T result_of(Loop& loop, awaitable<T> task) {
    std::optional<T> result;
    run_until_done(loop, keep_result(std::move(task), result));
    return std::move(*result);
}

}  // namespace florin::runtime
