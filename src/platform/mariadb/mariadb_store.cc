#include "platform/mariadb/mariadb_store.h"

#include <algorithm>
#include <thread>

#include "platform/mariadb/identity.h"
#include "platform/mariadb/read_lane.h"
#include "platform/mariadb/schema.h"
#include "platform/mariadb/write_lane.h"
#include "platform/telemetry/log.h"
#include "platform/telemetry/metrics.h"

namespace florin::mariadb {
namespace {

using store::ReadOperation;
using store::StoreFault;
using store::StoreState;
using store::WriteOperation;

constexpr std::chrono::milliseconds between_attempts{250};

std::unique_ptr<Connection> connect_patiently(const Options& options) {
    const auto deadline = std::chrono::steady_clock::now() + options.start_patience;
    std::string told;
    while (true) {
        try {
            return std::make_unique<Connection>(options.address, options.timeouts, Use::Setup);
        } catch (const EntryRefused&) {
            throw;
        } catch (const StoreFault& fault) {
            if (std::chrono::steady_clock::now() >= deadline) throw;
            if (told != fault.what())
                telemetry::warning("Waiting for the database", {{"reason", fault.what()}});
            told = fault.what();
        }
        std::this_thread::sleep_for(between_attempts);
    }
}

/// Nobody needs the room so much that a start should fail for it.
void tidy_up(Connection& connection) {
    try {
        forget_ended_processes(connection);
    } catch (const std::runtime_error& fault) {
        connection.roll_back();
        telemetry::warning("The marks of processes that have ended stay in the database",
                           {{"reason", fault.what()}});
    }
}

class MariadbStore final : public store::Store {
public:
    MariadbStore(const Options& options, telemetry::Metrics& metrics);
    ~MariadbStore() override;

    [[nodiscard]] StoreState state() const override;
    [[nodiscard]] bool shared() const override { return true; }

protected:
    void submit(WriteOperation& operation) override;
    void submit(ReadOperation& operation) override;

private:
    void show_queues(telemetry::Metrics& metrics) const;

    const Options options_;
    Identity identity_;
    const std::shared_ptr<ReadLane::Queue> reads_;
    std::vector<std::unique_ptr<WriteLane>> writers_;
    std::vector<std::unique_ptr<ReadLane>> readers_;
};

MariadbStore::MariadbStore(const Options& options, telemetry::Metrics& metrics)
    : options_(options),
      identity_(options.address.writers),
      reads_(std::make_shared<ReadLane::Queue>(options.read_queue_max)) {
    {
        const auto setup = connect_patiently(options_);
        if (options_.migrate) {
            bring_up_to_date(*setup, options_.migrations);
        } else {
            require_up_to_date(*setup, options_.migrations);
        }
        tidy_up(*setup);
        identity_.adopt(*setup);
    }
    const store::BatchMetrics batches(metrics);
    const auto reconnects =
        metrics.counter("florin_store_reconnects_total", "Connections to the database made again.");
    for (int i = 0; i < options_.address.writers; ++i) {
        writers_.push_back(
            std::make_unique<WriteLane>(i, options_, identity_, batches, reconnects));
    }
    try {
        for (int i = 0; i < options_.address.readers; ++i) {
            readers_.push_back(std::make_unique<ReadLane>(options_, identity_, reads_, reconnects));
        }
    } catch (const std::runtime_error&) {
        reads_->close();
        throw;
    }
    show_queues(metrics);
}

void MariadbStore::show_queues(telemetry::Metrics& metrics) const {
    std::vector<std::shared_ptr<store::OperationQueue<WriteOperation>>> writes;
    writes.reserve(writers_.size());
    for (const auto& writer : writers_) writes.push_back(writer->queue());
    metrics.gauge_from("florin_store_write_queue", "Commands that wait for the writer.", {},
                       [writes] {
                           std::size_t waiting = 0;
                           for (const auto& queue : writes) waiting += queue->size();
                           return static_cast<double>(waiting);
                       });
    metrics.gauge_from("florin_store_read_queue", "Queries that wait for a reader.", {},
                       [queue = reads_] { return static_cast<double>(queue->size()); });
}

// Closed together: each may have to wait for what became of a commit.
MariadbStore::~MariadbStore() {
    for (auto& writer : writers_) writer->queue()->close();
    for (auto& writer : writers_) writer->close();
    reads_->close();
    writers_.clear();
    readers_.clear();
    try {
        Connection(options_.address, options_.timeouts, Use::Write).run(identity_.forget());
    } catch (const std::runtime_error& fault) {
        telemetry::warning("The marks of this process stay in the database",
                           {{"reason", fault.what()}});
    }
}

StoreState MariadbStore::state() const {
    StoreState state;
    for (const auto& writer : writers_) {
        state.write_queue += writer->queue()->size();
        if (state.fault.empty()) state.fault = writer->fault();
    }
    if (state.fault.empty()) state.fault = identity_.refusal();
    state.healthy = state.fault.empty();
    state.read_queue = reads_->size();
    return state;
}

void MariadbStore::submit(WriteOperation& operation) {
    const std::size_t lane = operation.route.hash % writers_.size();
    if (!writers_[lane]->push(operation))
        store::complete_overloaded(operation, options_.write_queue_max, "commands");
}

void MariadbStore::submit(ReadOperation& operation) {
    if (!reads_->push(operation))
        store::complete_overloaded(operation, options_.read_queue_max, "queries");
}

}  // namespace

std::unique_ptr<store::Store> open_mariadb(const Options& options, telemetry::Metrics& metrics) {
    return std::make_unique<MariadbStore>(options, metrics);
}

void migrate_mariadb(const Options& options) {
    bring_up_to_date(*connect_patiently(options), options.migrations);
}

}  // namespace florin::mariadb
