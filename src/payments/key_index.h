#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "payments/key_filter.h"
#include "payments/used_keys.h"

namespace florin::payments {

/// Finds used idempotency keys by their digest, at a cost that does not grow with their number.
///
/// A B-tree by digest would change another page for every key: at ten million keys that is most of
/// what an authorization costs (docs/adr/0005-idempotency-keys.md). Keys are stored in the order of
/// their arrival instead. The last ones, up to `run_keys`, are found in memory; the older ones
/// stand sorted in runs, each written once, with a filter in memory that knows which keys it does
/// not have.
///
/// It must see every insert: for a database that belongs to one process.
class KeyIndex final : public UsedKeys {
public:
    static constexpr std::int64_t default_run_keys = 800'000;  // 20 MiB while they are in memory

    explicit KeyIndex(std::int64_t run_keys = default_run_keys);
    ~KeyIndex() override;

    /// Reads the filters and the last keys.
    void open(store::Snapshot& snapshot) override;
    std::optional<UsedKey> find(store::Snapshot& snapshot, std::string_view digest) override;
    std::optional<UsedKey> take(store::Transaction& tx, const UsedKey& key) override;

    struct Entry {
        std::string_view digest;
        std::int64_t number;
    };
    /// The keys of a run that is to be sealed, sorted.
    struct Run {
        std::int64_t number = 0;
        std::string digests;  // 16 bytes each
        std::vector<std::int64_t> key_numbers;
        [[nodiscard]] Entry entry(std::size_t at) const {
            return {std::string_view(digests).substr(at * 16, 16), key_numbers[at]};
        }
        [[nodiscard]] std::size_t size() const { return key_numbers.size(); }
    };
    /// The oldest run that is full and not sealed yet. Takes a while; not on a loop.
    std::optional<Run> full_run(store::Snapshot& snapshot);
    /// The run stands in the database, with its filter: memory is free for others.
    void sealed(std::int64_t run, KeyFilter filter);

private:
    using Digest = std::array<std::uint8_t, 16>;
    struct Memory;  // the keys of a run that is not sealed, by digest
    struct Candidates {
        std::vector<std::int64_t> numbers;
        std::vector<std::int64_t> runs;
    };

    void insert(store::Transaction& tx, const UsedKey& key);
    [[nodiscard]] Candidates candidates(std::string_view digest);
    void remember(std::string_view digest, std::int64_t number);

    const std::int64_t run_keys_;
    std::mutex mutex_;  // guards all below; held for a look-up in memory, never for one on disk
    bool opened_ = false;
    std::map<std::int64_t, std::shared_ptr<Memory>> recent_;  // full ones only change hands
    std::vector<KeyFilter> filters_;                          // of the sealed runs, by their number
};

}  // namespace florin::payments
