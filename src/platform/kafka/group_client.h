#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/kafka/client.h"
#include "platform/kafka/incoming_record.h"
#include "platform/runtime/awaitable.h"

namespace florin::runtime {
class Loop;
}

namespace florin::kafka {

struct TopicPartition {
    std::string topic;
    int partition = 0;
    auto operator<=>(const TopicPartition&) const = default;
};

/// The next offset of each partition.
using Offsets = std::map<TopicPartition, std::int64_t>;

struct GroupClientOptions {
    std::string group_id;
    std::vector<std::string> topics;
    bool from_end = false;  // where a group begins that has never committed
};

/// One member of a consumer group of Kafka: cooperative-sticky assignment, offsets committed by
/// hand. Nothing it does waits: records, assignments and reports are there or not, and `wake` is
/// called when there are new ones. A partition that the group takes away stays ours until
/// `give_back`, so that what is under way can end first. Lives on one loop.
class GroupClient {
public:
    using SteadyTime = std::chrono::steady_clock::time_point;

    /// `wake` is called on threads of the library; cheap, thread-safe. Throws `ConfigurationFault`.
    GroupClient(const ClientOptions& client, const GroupClientOptions& options,
                std::function<void()> wake);
    ~GroupClient();
    GroupClient(const GroupClient&) = delete;
    GroupClient& operator=(const GroupClient&) = delete;

    /// What has changed since the last call.
    struct Changes {
        std::vector<TopicPartition> assigned;
        std::vector<TopicPartition> lost;  // they belong to somebody else already
    };
    Changes serve();

    /// Partitions that the group wants back.
    [[nodiscard]] const std::vector<TopicPartition>& revoking() const { return revoking_; }
    /// Gives them back. What was to be committed of them is committed before.
    void give_back();

    /// The next records of a partition that is ours, in order; none when none has come yet.
    std::vector<IncomingRecord> pull(const TopicPartition& from, std::size_t records_max);
    void commit(const Offsets& offsets);
    /// Commits that nobody has confirmed yet.
    [[nodiscard]] int commits_under_way() const { return commits_under_way_; }
    /// The offset behind the last record of the partition, as last heard; 0 before that.
    [[nodiscard]] std::int64_t end_of(const TopicPartition& partition) const;

    /// Why nothing can be read at present, for people; empty when nothing is known against it.
    [[nodiscard]] std::string trouble() const;
    [[nodiscard]] std::uint64_t rebalances() const { return rebalances_; }
    [[nodiscard]] std::uint64_t failed_commits() const { return failed_commits_; }

    /// Leaves the group, within that time: the rest of the members take over at once, or when they
    /// miss this one. Call nothing after it.
    awaitable<void> leave(SteadyTime until);

private:
    struct Callbacks;
    struct Library;

    void complain(std::string text);
    /// Whether the group knows this member, which has not been told its part yet.
    [[nodiscard]] bool awaits_its_part() const;

    const std::function<void()> wake_;
    std::unique_ptr<Library> library_;
    std::vector<TopicPartition> revoking_;
    Changes changes_;
    std::string trouble_;
    SteadyTime complained_at_;
    int commits_under_way_ = 0;
    std::uint64_t rebalances_ = 0;
    std::uint64_t failed_commits_ = 0;
    bool has_had_a_part_ = false;
    bool left_without_a_part_ = false;
    bool leaving_ = false;
};

}  // namespace florin::kafka
