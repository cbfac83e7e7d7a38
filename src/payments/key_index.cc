#include "payments/key_index.h"

#include <algorithm>
#include <cstring>
#include <ranges>

#include <boost/unordered/unordered_flat_map.hpp>

#include "platform/base/require.h"

namespace florin::payments {
namespace {

using store::Blob;
using store::Sql;

constexpr Sql insert_sql(
    "INSERT INTO merchant_idempotency_key (digest, fingerprint, answer_id, payment_id)"
    " VALUES (?,?,?,?) RETURNING number");
constexpr Sql find_sql(
    "SELECT digest, fingerprint, answer_id, payment_id FROM merchant_idempotency_key"
    " WHERE number = ?");
constexpr Sql find_in_run_sql(
    "SELECT number FROM merchant_idempotency_run WHERE run = ? AND digest = ?");
constexpr Sql since_sql(
    "SELECT number, digest FROM merchant_idempotency_key WHERE number > ? ORDER BY number");
constexpr Sql last_number_sql("SELECT coalesce(max(number), 0) FROM merchant_idempotency_key");
constexpr Sql sealed_runs_sql("SELECT run FROM merchant_idempotency_sealed ORDER BY run");
constexpr Sql filter_parts_sql(
    "SELECT bits FROM merchant_idempotency_filter WHERE run = ? ORDER BY part");

/// Digests are random already.
struct FirstBytes {
    using is_avalanching = void;
    std::size_t operator()(const std::array<std::uint8_t, 16>& digest) const {
        std::size_t hash = 0;
        std::memcpy(&hash, digest.data(), sizeof hash);
        return hash;
    }
};

std::array<std::uint8_t, 16> array_of(std::string_view digest) {
    std::array<std::uint8_t, 16> bytes;
    require(digest.size() == bytes.size(), "a digest has 16 bytes");
    std::memcpy(bytes.data(), digest.data(), bytes.size());
    return bytes;
}

/// The key with that number, if it is the one with that digest.
std::optional<UsedKey> read_key(store::Snapshot& snapshot, std::int64_t number,
                                std::string_view digest) {
    auto rows = snapshot.query(find_sql, number);
    if (!rows.next() || rows.blob(0) != digest) return std::nullopt;
    return UsedKey{std::string(digest), std::string(rows.blob(1)), rows.uuid(2), rows.uuid(3)};
}

}  // namespace

struct KeyIndex::Memory {
    /// The last number a digest was given: one whose transaction was undone may have got another.
    boost::unordered_flat_map<Digest, std::uint32_t, FirstBytes> offsets;
};

KeyIndex::KeyIndex(std::int64_t run_keys) : run_keys_(run_keys) {}
KeyIndex::~KeyIndex() = default;

void KeyIndex::open(store::Snapshot& snapshot) {
    const std::scoped_lock lock(mutex_);
    if (opened_) return;
    filters_.clear();
    recent_.clear();
    auto runs = snapshot.query(sealed_runs_sql);
    while (runs.next()) {
        std::string bits;
        auto parts = snapshot.query(filter_parts_sql, runs.integer(0));
        while (parts.next()) bits += parts.blob(0);
        require(runs.integer(0) == static_cast<std::int64_t>(filters_.size()),
                "runs are sealed in their order");
        filters_.emplace_back(std::move(bits));
    }
    auto keys = snapshot.query(since_sql, static_cast<std::int64_t>(filters_.size()) * run_keys_);
    while (keys.next()) remember(keys.blob(1), keys.integer(0));
    opened_ = true;
}

void KeyIndex::remember(std::string_view digest, std::int64_t number) {
    const std::int64_t run = (number - 1) / run_keys_;
    auto& memory = recent_[run];
    if (memory == nullptr) {
        memory = std::make_shared<Memory>();
        // At once: growing would stop the writer for as long as it takes to move them all.
        memory->offsets.reserve(static_cast<std::size_t>(run_keys_));
    }
    memory->offsets.insert_or_assign(array_of(digest),
                                     static_cast<std::uint32_t>(number - run * run_keys_));
}

KeyIndex::Candidates KeyIndex::candidates(std::string_view digest) {
    Candidates found;
    const Digest bytes = array_of(digest);
    const std::scoped_lock lock(mutex_);
    for (const auto& [run, memory] : recent_ | std::views::reverse) {
        const auto at = memory->offsets.find(bytes);
        if (at != memory->offsets.end())
            found.numbers.push_back(run * run_keys_ + static_cast<std::int64_t>(at->second));
    }
    for (std::size_t run = filters_.size(); run-- > 0;) {
        if (filters_[run].may_have(digest)) found.runs.push_back(static_cast<std::int64_t>(run));
    }
    return found;
}

std::optional<UsedKey> KeyIndex::find(store::Snapshot& snapshot, std::string_view digest) {
    open(snapshot);
    const Candidates found = candidates(digest);
    for (const std::int64_t number : found.numbers) {
        if (auto key = read_key(snapshot, number, digest)) return key;
    }
    for (const std::int64_t run : found.runs) {
        auto rows = snapshot.query(find_in_run_sql, run, Blob{digest});
        if (!rows.next()) continue;
        if (auto key = read_key(snapshot, rows.integer(0), digest)) return key;
    }
    return std::nullopt;
}

std::optional<UsedKey> KeyIndex::take(store::Transaction& tx, const UsedKey& key) {
    auto used = find(tx, key.digest);
    if (!used) insert(tx, key);
    return used;
}

void KeyIndex::insert(store::Transaction& tx, const UsedKey& key) {
    auto rows =
        tx.query(insert_sql, Blob{key.digest}, Blob{key.fingerprint}, key.answer_id, key.payment);
    require(rows.next(), "an insert returns its row");
    const std::scoped_lock lock(mutex_);
    remember(key.digest, rows.integer(0));
}

std::optional<KeyIndex::Run> KeyIndex::full_run(store::Snapshot& snapshot) {
    open(snapshot);
    std::int64_t last = 0;
    {
        auto rows = snapshot.query(last_number_sql);
        if (rows.next()) last = rows.integer(0);
    }
    Run run;
    std::shared_ptr<const Memory> full;
    {
        const std::scoped_lock lock(mutex_);
        run.number = static_cast<std::int64_t>(filters_.size());
        // Committed numbers never go back: nothing is added to it any more.
        if (last < (run.number + 1) * run_keys_) return std::nullopt;
        const auto memory = recent_.find(run.number);
        if (memory == recent_.end()) return std::nullopt;
        full = memory->second;
    }
    std::vector<std::pair<Digest, std::uint32_t>> entries(full->offsets.begin(),
                                                          full->offsets.end());
    std::ranges::sort(entries);
    run.digests.reserve(entries.size() * sizeof(Digest));
    run.key_numbers.reserve(entries.size());
    for (const auto& [digest, offset] : entries) {
        run.digests.append(reinterpret_cast<const char*>(digest.data()), digest.size());
        run.key_numbers.push_back(run.number * run_keys_ + static_cast<std::int64_t>(offset));
    }
    return run;
}

void KeyIndex::sealed(std::int64_t run, KeyFilter filter) {
    const std::scoped_lock lock(mutex_);
    require(run == static_cast<std::int64_t>(filters_.size()), "runs are sealed in their order");
    filters_.push_back(std::move(filter));
    recent_.erase(run);
}

}  // namespace florin::payments
