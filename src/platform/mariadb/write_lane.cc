#include "platform/mariadb/write_lane.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "platform/mariadb/disk_space.h"
#include "platform/mariadb/mariadb_store.h"
#include "platform/telemetry/log.h"

namespace florin::mariadb {
namespace {

using std::chrono::milliseconds;
using store::next_of;
using store::StatementRefused;
using store::StoreFault;
using store::Verdict;
using Proof = LaneHealth::Proof;

constexpr int collisions_max = 10;
constexpr milliseconds first_collision_wait{2};
// Together longer than the server lets a process hang in a transaction.
constexpr int blocks_max = 3;
constexpr int losses_max = 5;  // once patience has run out
constexpr milliseconds between_losses{100};
constexpr milliseconds between_probes{500};
constexpr milliseconds between_looks{50};  // at what became of a commit
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
        Operation* first = next_batch();
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

WriteLane::Operation* WriteLane::next_batch() {
    if (!health_.failing()) return queue_->take(options_.batch_commands_max);
    const auto now = Clock::now();
    const auto until_probe = std::chrono::ceil<milliseconds>(next_probe_ - now);
    const auto time = std::max({link_.until_next_attempt(), health_.rest_left(now), until_probe});
    return queue_->take_within(time, options_.batch_commands_max);
}

// Nobody sends commands to a process that says it is not ready: it has to find out by itself that
// the database can be written again.
void WriteLane::probe() {
    next_probe_ = Clock::now() + between_probes;
    connection_ = link_.connection();
    if (connection_ == nullptr || still_lacks_space()) return;
    try {
        connection_->begin(Connection::Inserts::AtOnce);
        commit();
        health_.stored(Proof::NothingNew, Clock::now());
    } catch (const std::runtime_error& fault) {
        const bool full = connection_->trouble() == Trouble::NoSpace;
        connection_->roll_back();
        link_.drop_lost();
        if (!full) return;
        failure_ = {.reason = fault.what(), .cause = Failure::Cause::NoSpace};
        health_.failed(failure_, Clock::now());
    }
}

/// Whether the disk was full and the server still waits for space: another commit would only join
/// those that hang, and leave one more connection behind.
bool WriteLane::still_lacks_space() {
    if (!health_.lacks_space()) return false;
    auto waiting = wait_for_space(*connection_);
    if (!waiting) return false;
    failure_ = {.reason = *std::move(waiting), .cause = Failure::Cause::NoSpace};
    return true;
}

void WriteLane::run(Operation* first) {
    if (health_.rest_left(Clock::now()) > milliseconds(0)) return refuse(first);
    Course course;
    while (connect_patiently() && !still_lacks_space()) {
        End end = attempt(first, course);
        const bool new_rows = committing_ || connection_->commit_number() != 0;
        link_.drop_lost();
        if (committing_) end = resolve(end);
        if (end == End::Stored) {
            metrics_.commands.observe(count(first));
            return health_.stored(new_rows ? Proof::NewRows : Proof::NothingNew, Clock::now());
        }
        if (end == End::Unknown) {
            fail(first, std::make_exception_ptr(store::OutcomeUnknown(
                            "the database was lost in the middle of a commit, and the process ends "
                            "before it is back: whether the command is stored is not known")));
            return health_.failed(failure_, Clock::now());
        }
        if (!goes_on(course, end)) break;
        metrics_.retries.add();
    }
    refuse(first);
    health_.failed(failure_, Clock::now());
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
            std::this_thread::sleep_for(first_collision_wait * ++course.collisions *
                                        random_.unit());
            return course.collisions < collisions_max;
        case End::Blocked:
            return failure_.cause != Failure::Cause::NoSpace && !health_.failing() &&
                   ++course.blocks < blocks_max;
        case End::Lost:
            return goes_on_after_loss(course);
        case End::Stored:
        case End::Unknown:
        case End::Failed:
            return false;
    }
    return false;
}

// A connection that was cut is made again at once. A server that lets us in and then takes nothing,
// read only while another one takes over, gets the time of one that is away.
bool WriteLane::goes_on_after_loss(Course& course) {
    const auto now = Clock::now();
    if (++course.losses == 1) {
        const bool patient = !health_.failing();
        course.patient_until = now + (patient ? options_.outage_patience : milliseconds(0));
        return true;
    }
    const bool more = course.losses < losses_max;
    if (now >= course.patient_until) return more;
    return !queue_->closed_within(between_losses) || more;
}

// The first batch that meets an outage waits a moment: a server that is restarted or a connection
// that was cut is no fault for anybody. Those behind it fail at once.
bool WriteLane::connect_patiently() {
    const auto deadline =
        Clock::now() + (health_.failing() ? milliseconds(0) : options_.outage_patience);
    while ((connection_ = link_.connection()) == nullptr) {
        failure_ = {.reason = link_.reason()};
        if (!identity_.refusal().empty() || Clock::now() >= deadline) return false;
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
            require_sound_transaction();
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
    failure_ = {.reason = fault.what()};
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
        case Trouble::Blocked:
            if (auto waiting = wait_for_space(*connection_))
                failure_ = {.reason = *std::move(waiting), .cause = Failure::Cause::NoSpace};
            return End::Blocked;
        case Trouble::Lost:
            return End::Lost;
        case Trouble::NoSpace:
            failure_.cause = Failure::Cause::NoSpace;
            return End::Failed;
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
    const auto start = Clock::now();
    connection_->run(identity_.mark(number_, ++mark_));
    committing_ = true;
    connection_->commit();
    committing_ = false;
    identity_.committed(number_, mark_, connection_->commit_number());
    const std::chrono::duration<double> took = Clock::now() - start;
    metrics_.commit_seconds.observe(took.count());
}

// COMMIT was sent, and was not answered with yes. The mark of the batch, written in its
// transaction, tells whether it took effect. Until that is known nobody is answered; what waits
// behind it fails, after the moment that any outage may take.
WriteLane::End WriteLane::resolve(End unless_stored) {
    telemetry::warning("A commit has failed; finding out what became of it",
                       {{"reason", failure_.reason}});
    constexpr auto forever = Clock::time_point::max();
    const auto patient_until = Clock::now() + options_.outage_patience;
    auto give_up = forever;
    while (Clock::now() < give_up && identity_.refusal().empty()) {
        if (const auto end = look_at_commit(unless_stored)) return *end;
        if (failure_.cause == Failure::Cause::NoSpace || Clock::now() >= patient_until) {
            // In this order: who was refused finds that the store says why.
            health_.failed(failure_, Clock::now());
            refuse_what_waits();
        }
        const auto rest = std::max(link_.until_next_attempt(), between_looks);
        if (give_up != forever) {
            std::this_thread::sleep_for(rest);  // a queue that is closed does not make one wait
        } else if (queue_->closed_within(rest)) {
            give_up = Clock::now() + last_patience;
        }
    }
    if (!identity_.refusal().empty()) failure_ = {.reason = identity_.refusal()};
    return End::Unknown;
}

/// How the commit ended; nothing: that cannot be seen yet, and `failure_` says why.
std::optional<WriteLane::End> WriteLane::look_at_commit(End unless_stored) {
    Connection* const connection = link_.connection();
    if (connection == nullptr) {
        failure_ = {.reason = link_.reason()};
        return std::nullopt;
    }
    try {
        if (identity_.stored_mark(*connection, number_) != mark_) return unless_stored;
        identity_.committed(number_, mark_, 0);
        return End::Stored;
    } catch (const std::runtime_error& fault) {
        failure_ = {.reason = fault.what()};
        connection->roll_back();
        if (auto waiting = wait_for_space(*connection))
            failure_ = {.reason = *std::move(waiting), .cause = Failure::Cause::NoSpace};
        link_.drop_lost();
        return std::nullopt;
    }
}

void WriteLane::refuse_what_waits() {
    Operation* const waiting = queue_->take_all();
    if (waiting == nullptr) return;
    refuse(waiting);
    store::complete_all(waiting);
}

/// Nothing of it is stored.
void WriteLane::refuse(Operation* first) {
    fail(first, std::make_exception_ptr(StoreFault(failure_.reason)));
}

void WriteLane::fail(Operation* first, const std::exception_ptr& fault) {
    metrics_.faults.add();
    store::fail_all(first, fault);
}

}  // namespace florin::mariadb
