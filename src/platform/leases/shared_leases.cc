#include "platform/leases/shared_leases.h"

#include <algorithm>

#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::leases {
namespace {

// Between the end of our own belief in a lease and the moment others may take it: long enough for a
// piece of work that was begun just before.
constexpr Milliseconds margin{1'000};

/// What one transaction changed.
struct Changes {
    bool alive = false;  // false: others had removed us
    std::size_t taken_over = 0;
    Names held;
};

}  // namespace

SharedLeases::SharedLeases(runtime::Loop& loop, store::Store& store, const Clock& monotonic,
                           const Clock& clock, LeaseOptions options, telemetry::Metrics& metrics)
    : loop_(loop),
      store_(store),
      monotonic_(monotonic),
      options_(std::move(options)),
      random_(seed_from_system()),
      wakeup_(loop),
      instances_(metrics.gauge("florin_instances", "Processes that share this database.")),
      held_count_(metrics.gauge("florin_leases_held", "Work that is this process's alone.")),
      taken_over_(metrics.counter("florin_instances_taken_over_total",
                                  "Processes found dead, whose work was freed.")),
      lost_(metrics.counter("florin_leases_lost_total",
                            "Times others took this process for dead and freed its work.")) {
    self_ = {UuidGenerator(clock, seed_from_system()).next(), 0, options_.name, clock.now()};
}

bool SharedLeases::ours(std::string_view work) {
    if (stopping_) return false;
    if (held_.contains(work)) return monotonic_.now() < held_until_;
    if (!wanted_.contains(work)) {
        unwanted_.erase(std::string(work));
        wanted_.emplace(work);
        wakeup_.notify();
    }
    return false;
}

void SharedLeases::leave(std::string_view work) {
    const auto found = wanted_.find(work);
    if (found == wanted_.end()) return;
    wanted_.erase(found);
    held_.erase(std::string(work));
    unwanted_.emplace(work);
}

awaitable<void> SharedLeases::run() {
    while (!stopping_) {
        try {
            co_await beat_once();
        } catch (const std::exception& fault) {
            telemetry::warning("This process cannot show that it lives; it rests its shared work",
                               {{"fault", fault.what()}});
        }
        if (!stopping_) co_await wakeup_.wait_until(monotonic_, monotonic_.now() + options_.beat);
    }
}

std::vector<Instance> SharedLeases::silent_among(const std::vector<Instance>& others, Instant now) {
    std::vector<Instance> silent;
    std::map<Uuid, Sign> seen;
    for (const auto& other : others) {
        const auto before = signs_.find(other.id);
        const bool moved = before == signs_.end() || before->second.beat != other.beat;
        const Instant since = moved ? now : before->second.since;
        seen[other.id] = {other.beat, since};
        if (now - since >= options_.term) silent.push_back(other);
    }
    signs_ = std::move(seen);
    return silent;
}

// The term counts from before the commit that shows life: others see that commit later.
awaitable<void> SharedLeases::beat_once() {
    const Instant begun = monotonic_.now();
    beating_ = true;
    // Should it have to register again: who saw it fall silent before must not know this sign.
    self_.beat = static_cast<std::int64_t>(random_.next() >> 2U);
    Names missing;
    std::ranges::set_difference(wanted_, held_, std::inserter(missing, missing.end()));
    const Names freed = std::exchange(unwanted_, {});
    try {
        const Look look = co_await store_.read([&](store::Snapshot& snapshot) {
            return Look{instances(snapshot), free_among(snapshot, missing)};
        });
        std::vector<Instance> others = look.others;
        std::erase_if(others, [this](const Instance& one) { return one.id == self_.id; });
        const auto silent = silent_among(others, monotonic_.now());
        const Changes changes = co_await store_.write([&](store::Transaction& tx) {
            Changes made;
            made.alive = beat(tx, self_.id);
            if (!made.alive) register_instance(tx, self_);
            for (const auto& one : silent) {
                if (remove_if_silent(tx, one.id, one.beat)) ++made.taken_over;
            }
            for (const auto& work : freed) free_work(tx, work, self_.id);
            for (const auto& work : look.free) take(tx, work, self_.id);
            made.held = held_by(tx, self_.id);
            return made;
        });
        if (!changes.alive && !held_.empty()) lost_.add();
        if (changes.taken_over > 0) {
            taken_over_.add(static_cast<double>(changes.taken_over));
            wakeup_.notify();  // what they held is free now
        }
        held_ = changes.held;
        for (const auto& work : unwanted_) held_.erase(work);
        held_until_ = begun + options_.term - margin;
        instances_.set(static_cast<double>(others.size() + 1));
        held_count_.set(static_cast<double>(held_.size()));
    } catch (...) {
        unwanted_.insert(freed.begin(), freed.end());
        beating_ = false;
        throw;
    }
    beating_ = false;
}

// A database that is lost in the middle of a commit answers when it is back, or when the store
// closes, which comes after this.
awaitable<void> SharedLeases::stop(Milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    held_.clear();
    wakeup_.notify();
    if (co_await has_ended(beating_, until)) {
        leaving_ = true;
        runtime::spawn(loop_, "leases", leave_all());
        if (co_await has_ended(leaving_, until)) co_return;
    }
    telemetry::warning(
        "The database has not answered this process, which ends; others take its work over in a "
        "moment");
}

awaitable<bool> SharedLeases::has_ended(const bool& under_way,
                                        std::chrono::steady_clock::time_point until) {
    while (under_way && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(5));
    co_return !under_way;
}

awaitable<void> SharedLeases::leave_all() {
    try {
        co_await store_.write([this](store::Transaction& tx) { remove(tx, self_.id); });
    } catch (const std::exception& fault) {
        telemetry::warning("This process could not free its work; others take it over in a moment",
                           {{"fault", fault.what()}});
    }
    leaving_ = false;
}

}  // namespace florin::leases
