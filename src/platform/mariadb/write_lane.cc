#include "platform/mariadb/write_lane.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "platform/mariadb/mariadb_store.h"
#include "platform/telemetry/log.h"

namespace florin::mariadb {
namespace {

using std::chrono::milliseconds;
using store::next_of;
using store::StatementRefused;
using store::StoreFault;
using store::Verdict;

constexpr int collisions_max = 10;
constexpr milliseconds first_collision_wait{2};
constexpr int losses_max = 5;
constexpr milliseconds between_probes{500};
// How long a store that closes waits to learn what became of a commit.
constexpr milliseconds last_patience{5'000};

/// Puts a batch into the order of its routes, so that every process locks rows in the same order;
/// commands of one route stay as they came.
store::WriteOperation* sorted(store::WriteOperation* first) {
    using Place = std::tuple<std::uint64_t, std::size_t, store::WriteOperation*>;
    std::vector<Place> places;
    for (auto* operation = first; operation != nullptr; operation = next_of(operation))
        places.emplace_back(operation->route.hash, places.size(), operation);
    std::ranges::sort(places);
    store::WriteOperation* next = nullptr;
    for (auto place = places.rbegin(); place != places.rend(); ++place) {
        std::get<2>(*place)->next = next;
        next = std::get<2>(*place);
    }
    return next;
}

int count(store::WriteOperation* first) {
    int commands = 0;
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) ++commands;
    return commands;
}

}  // namespace

WriteLane::WriteLane(int number, const Options& options, Identity& identity,
                     const store::BatchMetrics& metrics, telemetry::Counter reconnects)
    : number_(number),
      options_(options),
      identity_(identity),
      metrics_(metrics),
      queue_(std::make_shared<store::OperationQueue<Operation>>(options.write_queue_max)),
      link_(options, Use::Write, identity, reconnects),
      random_(seed_from_system()),
      thread_([this] { work(); }) {}

WriteLane::~WriteLane() {
    close();
}

void WriteLane::close() {
    queue_->close();
    if (thread_.joinable()) thread_.join();
}

void WriteLane::work() {
    while (true) {
        Operation* first =
            failing_ ? queue_->take_within(link_.until_next_attempt(), options_.batch_commands_max)
                     : queue_->take(options_.batch_commands_max);
        if (first != nullptr) {
            first = sorted(first);
            run(first);
            store::complete_all(first);
        } else if (queue_->closed_within(milliseconds(0))) {
            return;
        } else {
            probe();
        }
    }
}

// Nobody sends commands to a process that says it is not ready: it has to find out by itself that
// the database can be written again.
void WriteLane::probe() {
    connection_ = link_.connection();
    if (connection_ == nullptr) return;
    try {
        connection_->begin(Connection::Inserts::AtOnce);
        commit();
        recover();
    } catch (const std::runtime_error& fault) {
        connection_->roll_back();
        link_.drop_lost();
        queue_->closed_within(between_probes);
    }
}

void WriteLane::run(Operation* first) {
    Course course;
    while (connect_patiently()) {
        End end = attempt(first, course);
        link_.drop_lost();
        if (end == End::Unknown) end = resolve();
        if (end == End::Stored) {
            metrics_.commands.observe(count(first));
            return recover();
        }
        if (end == End::Unknown) {
            return fail(first,
                        std::make_exception_ptr(store::OutcomeUnknown(
                            "the database was lost in the middle of a commit, and the process ends "
                            "before it is back: whether the command is stored is not known")));
        }
        if (!goes_on(course, end)) break;
        metrics_.retries.add();
    }
    fail(first, std::make_exception_ptr(StoreFault(reason_)));
}

/// Whether a batch that ended so is run again, and how.
bool WriteLane::goes_on(Course& course, End end) {
    switch (end) {
        case End::Duplicate:
            if (course.apart) return false;
            course.apart = std::exchange(course.repeated, true);
            return true;
        case End::Refused:
            return !std::exchange(course.apart, true);
        case End::Collision:
            queue_->closed_within(std::chrono::duration_cast<milliseconds>(
                first_collision_wait * ++course.collisions * random_.unit()));
            return course.collisions < collisions_max;
        case End::Lost:
            return ++course.losses < losses_max;
        case End::Stored:
        case End::Unknown:
        case End::Failed:
            return false;
    }
    return false;
}

// The first batch that meets an outage waits a moment: a server that is restarted or a connection
// that was cut is no fault for anybody. Those behind it fail at once.
bool WriteLane::connect_patiently() {
    const auto deadline =
        std::chrono::steady_clock::now() + (failing_ ? milliseconds(0) : options_.outage_patience);
    while ((connection_ = link_.connection()) == nullptr) {
        reason_ = link_.reason();
        if (!identity_.refusal().empty() || std::chrono::steady_clock::now() >= deadline)
            return false;
        if (queue_->closed_within(link_.until_next_attempt())) return false;
    }
    return true;
}

// Savepoints and single inserts cost a message each, so they are left out until a command needs
// them: when one is refused after it has changed rows, or an insert that waited turns out to be
// wrong, the batch is rolled back and run again with them.
WriteLane::End WriteLane::attempt(Operation* first, const Course& course) {
    committing_ = false;
    try {
        using Inserts = Connection::Inserts;
        using Attempt = Connection::Attempt;
        connection_->begin(course.apart ? Inserts::AtOnce : Inserts::Wait,
                           course.apart || course.repeated ? Attempt::Repeated : Attempt::First);
        const End end = course.apart ? run_apart(first) : run_together(first);
        if (end == End::Stored) {
            if (connection_->has_changed()) {
                commit();
            } else {
                connection_->commit();
            }
        } else {
            connection_->roll_back();
        }
        return end;
    } catch (const std::exception& fault) {
        return end_of_fault(fault);
    }
}

WriteLane::End WriteLane::end_of_fault(const std::exception& fault) {
    reason_ = fault.what();
    const Trouble trouble = connection_->trouble();
    const bool duplicate = connection_->take_duplicate();
    connection_->roll_back();
    switch (trouble) {
        case Trouble::None:
            // An insert that waited was refused when it was sent.
            if (dynamic_cast<const StatementRefused*>(&fault) == nullptr) return End::Failed;
            return duplicate ? End::Duplicate : End::Refused;
        case Trouble::Collision:
            return End::Collision;
        case Trouble::Lost:
            return committing_ ? End::Unknown : End::Lost;
        case Trouble::Fault:
            return End::Failed;
    }
    return End::Failed;
}

WriteLane::End WriteLane::run_together(Operation* first) {
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) {
        const std::int64_t changes_before = connection_->total_changes();
        const Verdict verdict = operation->run(*connection_);
        require_sound_transaction();
        const bool duplicate = connection_->take_duplicate();
        if (connection_->waiting_was_refused()) return duplicate ? End::Duplicate : End::Refused;
        if (verdict == Verdict::Keep) continue;
        if (duplicate) return End::Duplicate;
        if (connection_->total_changes() != changes_before) return End::Refused;
    }
    connection_->flush();
    return End::Stored;
}

WriteLane::End WriteLane::run_apart(Operation* first) {
    for (auto* operation = first; operation != nullptr; operation = next_of(operation)) {
        Verdict verdict = run_with_savepoint(*operation);
        // Another process may have inserted the same key a moment ago: this time it is seen.
        if (verdict == Verdict::Discard && connection_->take_duplicate())
            verdict = run_with_savepoint(*operation);
        static_cast<void>(connection_->take_duplicate());
    }
    return End::Stored;
}

Verdict WriteLane::run_with_savepoint(Operation& operation) {
    connection_->set_savepoint();
    const Verdict verdict = operation.run(*connection_);
    require_sound_transaction();
    if (verdict == Verdict::Discard) connection_->roll_back_to_savepoint();
    return verdict;
}

// After a deadlock or a lost connection everything is rolled back, and the next statement would run
// in a transaction of its own. Whatever the command made of the fault, its batch ends here.
void WriteLane::require_sound_transaction() const {
    if (connection_->trouble() != Trouble::None) throw StoreFault(connection_->fault());
    if (!connection_->in_transaction())
        throw StoreFault("a command has ended the transaction of its batch");
}

void WriteLane::commit() {
    const auto start = std::chrono::steady_clock::now();
    connection_->run(identity_.mark(number_, ++mark_));
    committing_ = true;
    connection_->commit();
    committing_ = false;
    identity_.committed(number_, mark_, connection_->commit_number());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    metrics_.commit_seconds.observe(took.count());
}

// The connection broke after COMMIT was sent. The mark of the batch, written in its transaction,
// tells whether it took effect. Until that is known nobody is answered; what waits behind it fails.
WriteLane::End WriteLane::resolve() {
    telemetry::warning("The database was lost in a commit; finding out what became of it",
                       {{"reason", reason_}});
    constexpr auto forever = std::chrono::steady_clock::time_point::max();
    auto give_up = forever;
    while (std::chrono::steady_clock::now() < give_up && identity_.refusal().empty()) {
        if (Connection* const connection = link_.connection()) {
            try {
                if (identity_.stored_mark(*connection, number_) != mark_) return End::Lost;
                identity_.committed(number_, mark_, 0);
                return End::Stored;
            } catch (const std::runtime_error& fault) {
                reason_ = fault.what();
                connection->roll_back();
                link_.drop_lost();
            }
        } else {
            reason_ = link_.reason();
        }
        fail_what_waits();
        if (queue_->closed_within(link_.until_next_attempt()) && give_up == forever)
            give_up = std::chrono::steady_clock::now() + last_patience;
    }
    if (!identity_.refusal().empty()) reason_ = identity_.refusal();
    return End::Unknown;
}

void WriteLane::fail_what_waits() {
    Operation* const waiting = queue_->take_all();
    fail(waiting, std::make_exception_ptr(StoreFault(reason_)));
    store::complete_all(waiting);
}

void WriteLane::fail(Operation* first, const std::exception_ptr& fault) {
    if (first != nullptr) metrics_.faults.add();
    store::fail_all(first, fault);
    if (!failing_) telemetry::error("The database cannot be written", {{"reason", reason_}});
    failing_ = true;
    const std::scoped_lock lock(mutex_);
    fault_ = reason_;
}

void WriteLane::recover() {
    if (!failing_) return;
    telemetry::info("The database can be written again");
    failing_ = false;
    const std::scoped_lock lock(mutex_);
    fault_.clear();
}

std::string WriteLane::fault() const {
    const std::scoped_lock lock(mutex_);
    return fault_;
}

}  // namespace florin::mariadb
