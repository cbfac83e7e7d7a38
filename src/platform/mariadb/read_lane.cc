#include "platform/mariadb/read_lane.h"

#include <utility>

#include "platform/mariadb/mariadb_store.h"

namespace florin::mariadb {
namespace {

using store::next_of;
using store::ReadOperation;

// Bounds how long one snapshot lives, and with it how much history the server keeps for it.
constexpr std::size_t queries_per_snapshot_max = 128;

}  // namespace

ReadLane::ReadLane(const Options& options, Identity& identity, std::shared_ptr<Queue> queue,
                   telemetry::Counter reconnects)
    : queue_(std::move(queue)),
      link_(options, Use::Read, identity, reconnects),
      thread_([this] { work(); }) {}

ReadLane::~ReadLane() {
    thread_.join();
}

void ReadLane::work() {
    while (ReadOperation* const first = queue_->take(queries_per_snapshot_max)) {
        // What a broken connection has stopped is run once more on the next one.
        ReadOperation* rest = run(first);
        if (rest != nullptr) rest = run(rest);
        store::fail_all(rest, std::make_exception_ptr(store::StoreFault(link_.reason())));
        store::complete_all(first);
    }
}

/// Runs a list of queries; the rest of it that has to be run again because the connection broke.
ReadOperation* ReadLane::run(ReadOperation* first) {
    Connection* const connection = link_.connection();
    if (connection == nullptr) return first;
    ReadOperation* query = first;
    try {
        connection->begin_snapshot();
        for (; query != nullptr; query = next_of(query)) {
            query->run(*connection);
            if (connection->trouble() == Trouble::Lost) break;
            if (connection->trouble() == Trouble::None) continue;
            // One query's fault is not the next one's, but it may have ended the snapshot.
            connection->roll_back();
            connection->begin_snapshot();
        }
        connection->roll_back();
    } catch (const std::runtime_error&) {
        connection->roll_back();
    }
    link_.drop_lost();
    return query;
}

}  // namespace florin::mariadb
