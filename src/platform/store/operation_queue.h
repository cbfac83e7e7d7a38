#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <limits>
#include <mutex>
#include <string>

#include "platform/base/faults.h"
#include "platform/base/require.h"
#include "platform/store/store.h"

namespace florin::store {

/// A bounded list of waiting operations from many loops to one thread, linked through themselves.
template <class Operation>
class OperationQueue {
public:
    explicit OperationQueue(std::size_t max) : max_(max) {}

    /// False when the queue is full. Thread-safe.
    bool push(Operation& operation) {
        {
            const std::scoped_lock lock(mutex_);
            if (size_ >= max_) return false;
            operation.next = nullptr;
            if (last_ != nullptr) {
                last_->next = &operation;
            } else {
                first_ = &operation;
            }
            last_ = &operation;
            if (++size_ > 1) return true;  // whoever works on the first will see this one too
        }
        arrived_.notify_one();
        return true;
    }

    /// Waits for work and takes up to `count`, oldest first, as a list. Null once closed and empty.
    Operation* take(std::size_t count) {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [this] { return first_ != nullptr || closed_; });
        return take_locked(count);
    }

    /// The same, but null as well when nothing has come for so long.
    Operation* take_within(std::chrono::milliseconds time, std::size_t count) {
        std::unique_lock lock(mutex_);
        arrived_.wait_for(lock, time, [this] { return first_ != nullptr || closed_; });
        return take_locked(count);
    }

    /// Everything that waits; null when nothing does.
    Operation* take_all() {
        const std::scoped_lock lock(mutex_);
        return take_locked(std::numeric_limits<std::size_t>::max());
    }

    /// Waits until the queue is closed, but not longer than this; whether it is.
    bool closed_within(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        return arrived_.wait_for(lock, time, [this] { return closed_; });
    }

    /// `take` returns what is left, then null.
    void close() {
        {
            const std::scoped_lock lock(mutex_);
            closed_ = true;
        }
        arrived_.notify_all();
    }

    [[nodiscard]] std::size_t size() const {
        const std::scoped_lock lock(mutex_);
        return size_;
    }

private:
    Operation* take_locked(std::size_t count) {
        Operation* const taken = first_;
        Operation* end = nullptr;
        for (; first_ != nullptr && count > 0; --count, --size_) {
            end = first_;
            first_ = static_cast<Operation*>(first_->next);
        }
        if (end != nullptr) end->next = nullptr;
        if (first_ == nullptr) {
            last_ = nullptr;
        } else {
            arrived_.notify_one();  // another reader may take the rest
        }
        return taken;
    }

    const std::size_t max_;
    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    Operation* first_ = nullptr;
    Operation* last_ = nullptr;
    std::size_t size_ = 0;
    bool closed_ = false;
};

/// Hands finished operations back, each loop's in one list. The operations are gone afterwards.
template <class Operation>
void complete_all(Operation* first) {
    struct List {
        runtime::Loop* loop;
        runtime::Completion* first;
        runtime::Completion* last;
    };
    constexpr std::size_t loops_max = 64;
    List lists[loops_max];
    std::size_t used = 0;
    for (Operation* operation = first; operation != nullptr;) {
        auto* const next = static_cast<Operation*>(operation->next);
        operation->next = nullptr;
        std::size_t at = 0;
        while (at < used && lists[at].loop != operation->loop) ++at;
        if (at == used) {
            require(used < loops_max, "a process has at most 64 loops");
            lists[used++] = {operation->loop, operation, operation};
        } else {
            lists[at].last->next = operation;
            lists[at].last = operation;
        }
        operation = next;
    }
    for (std::size_t at = 0; at < used; ++at) lists[at].loop->complete(lists[at].first);
}

/// Answers an operation that a full queue has refused.
template <class Operation>
void complete_overloaded(Operation& operation, std::size_t max, const char* what) {
    operation.fault = std::make_exception_ptr(Overloaded(
        "the store has " + std::to_string(max) + " " + what + " waiting; try again in a moment"));
    complete_all(&operation);
}

/// The operation behind this one in its batch.
template <class Operation>
Operation* next_of(Operation* operation) {
    return static_cast<Operation*>(operation->next);
}

/// Gives each operation of a batch the same fault.
template <class Operation>
void fail_all(Operation* first, const std::exception_ptr& fault) {
    for (auto* operation = first; operation != nullptr; operation = next_of(operation))
        operation->fault = fault;
}

}  // namespace florin::store
