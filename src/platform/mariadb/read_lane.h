#pragma once

#include <memory>
#include <thread>

#include "platform/mariadb/link.h"
#include "platform/store/operation_queue.h"

namespace florin::mariadb {

/// One reading connection with its thread; all take from one queue. Each batch of queries sees one
/// snapshot, taken after they were handed in.
class ReadLane {
public:
    using Queue = store::OperationQueue<store::ReadOperation>;

    ReadLane(const Options& options, Identity& identity, std::shared_ptr<Queue> queue,
             telemetry::Counter reconnects);
    /// The queue must be closed.
    ~ReadLane();
    ReadLane(const ReadLane&) = delete;
    ReadLane& operator=(const ReadLane&) = delete;

private:
    void work();
    store::ReadOperation* run(store::ReadOperation* first);

    const std::shared_ptr<Queue> queue_;
    Link link_;
    std::thread thread_;
};

}  // namespace florin::mariadb
