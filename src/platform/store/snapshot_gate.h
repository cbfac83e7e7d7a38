#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace florin::store {

/// Where readers pass one by one, so that the writer can have a moment without snapshots. SQLite's
/// own waiting is no help: it looks now and then, and finds a busy reader each time. Thread-safe.
class SnapshotGate {
public:
    /// A reader begins a snapshot; waits while the gate is closed.
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !closed_; });
        ++inside_;
    }
    void leave() {
        {
            const std::scoped_lock lock(mutex_);
            --inside_;
        }
        changed_.notify_all();
    }

    /// Lets nobody in and waits for those inside, at most `patience`; whether the last one has
    /// left.
    bool close(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        closed_ = true;
        return changed_.wait_for(lock, patience, [this] { return inside_ == 0; });
    }
    void open() {
        {
            const std::scoped_lock lock(mutex_);
            closed_ = false;
        }
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int inside_ = 0;
    bool closed_ = false;
};

}  // namespace florin::store
