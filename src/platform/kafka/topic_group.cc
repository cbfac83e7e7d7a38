#include "platform/kafka/topic_group.h"

#include <algorithm>
#include <utility>

#include "platform/base/require.h"
#include "platform/broker/consumer_batch.h"
#include "platform/kafka/dead_letter_record.h"
#include "platform/kafka/handled_events.h"
#include "platform/limits/backoff.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::kafka {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How long partitions are kept from others for the sake of their last commit.
constexpr Milliseconds give_back_patience{5'000};
// How long a member that leaves tries to commit what it has done.
constexpr Milliseconds last_commit_patience{5'000};
// After one that was refused. A commit that meets a group which moves on to its next generation
// makes the library give up its partitions, so none is sent just because the last one failed.
constexpr Milliseconds commit_again_after{100};

TypesOfTopics types_of(const TopicNames& names, const broker::Consumer& consumer) {
    TypesOfTopics types;
    for (const auto& type : consumer.topics()) types.emplace(names.topic_of(type), type);
    return types;
}

}  // namespace

TopicGroup::TopicGroup(runtime::Loop& loop, store::Store& store, broker::Consumer& consumer,
                       Producer& dead_letters, const Clock& clock, ClientOptions client,
                       TopicGroupOptions options, telemetry::Metrics& metrics)
    : store_(store),
      consumer_(consumer),
      dead_letter_producer_(dead_letters),
      clock_(clock),
      client_options_(std::move(client)),
      options_(std::move(options)),
      group_(consumer.group()),
      types_(types_of(options_.topics, consumer)),
      random_(options_.consumer.seed),
      runner_(
          loop, clock, group_, options_.consumer, [this] { return step(); }, [] {}),
      metrics_(metrics, group_),
      dead_letters_(metrics, group_),
      done_(metrics_.messages("done")),
      again_(metrics_.messages("again")),
      refused_(metrics_.messages("refused")),
      poison_(metrics_.messages("dead_letter")),
      faults_(metrics_.messages("fault")),
      assigned_(metrics.gauge("florin_kafka_assigned_partitions",
                              "Partitions of Kafka that this process reads for a group.",
                              {{"group", group_}})),
      rebalances_(metrics.counter("florin_kafka_rebalances_total",
                                  "Times that a group gave partitions to this process or took "
                                  "them away.",
                                  {{"group", group_}})),
      failed_commits_(metrics.counter("florin_kafka_failed_commits_total",
                                      "Commits of offsets that Kafka refused; the next one says "
                                      "the same again.",
                                      {{"group", group_}})) {}

TopicGroup::~TopicGroup() = default;

awaitable<bool> TopicGroup::stop(Milliseconds deadline) {
    const auto until = SteadyClock::now() + deadline;
    if (!co_await runner_.stop(deadline)) co_return false;
    if (!client_) co_return true;
    co_await commit_all(std::min(until, SteadyClock::now() + last_commit_patience));
    partitions_.clear();
    co_await client_->leave(until);
    client_.reset();
    co_return true;
}

// A group that changes refuses commits for a while. What stays uncommitted comes to others again,
// and changes nothing there.
awaitable<void> TopicGroup::commit_all(SteadyTime until) {
    while (SteadyClock::now() < until && !committed_all()) {
        commit();
        do {
            co_await runtime::sleep_for(Milliseconds(1));
            follow(client_->serve());
        } while (client_->commits_under_way() > 0 && SteadyClock::now() < until);
        if (!client_->revoking().empty()) give_back();
    }
}

awaitable<TopicGroup::Step> TopicGroup::step() {
    try {
        co_return co_await round();
    } catch (const std::exception& fault) {
        telemetry::warning("Messages of Kafka cannot be handled yet",
                           {{"group", group_}, {"fault", fault.what()}});
    }
    if (client_) settle_offsets();
    co_return Step::Failed;
}

awaitable<TopicGroup::Step> TopicGroup::round() {
    if (!client_) co_await open();
    follow(client_->serve());
    co_await bury_all();
    fill();
    auto chosen = choose();
    const bool busy = pulled_ || !chosen.empty();
    if (!chosen.empty()) co_await handle(std::move(chosen));
    co_await bury_all();
    settle_offsets();
    co_await measure();
    co_return busy ? Step::Behind : Step::AtEnd;
}

// Also of a round that failed: others wait for partitions while this member can do nothing.
void TopicGroup::settle_offsets() {
    commit();
    if (!client_->revoking().empty()) give_back();
}

awaitable<void> TopicGroup::open() {
    handled_before_ = co_await store_.read([this](store::Snapshot& snapshot) {
        return handled_events::handled_before(snapshot, group_);
    });
    GroupClientOptions options;
    options.group_id = options_.group_prefix + group_;
    options.topics = options_.topics.topics_of(consumer_.topics());
    options.from_end = options_.consumer.start == broker::ConsumerOptions::Start::End;
    client_ = std::make_unique<GroupClient>(client_options_, options, [this] { runner_.wake(); });
}

void TopicGroup::follow(const GroupClient::Changes& changes) {
    for (const auto& lost : changes.lost) partitions_.erase(lost);
    for (const auto& assigned : changes.assigned) partitions_[assigned] = {};
    bool any_new = false;
    for (const auto& revoking : client_->revoking()) {
        const auto found = partitions_.find(revoking);
        if (found == partitions_.end()) continue;
        any_new = any_new || !found->second.leaving;
        found->second.leaving = true;
    }
    if (any_new) patient_until_ = SteadyClock::now() + give_back_patience;
}

// What is settled of them is committed first, so that whoever takes over begins behind it.
void TopicGroup::give_back() {
    if (!committed_all() && SteadyClock::now() < patient_until_) return;
    for (const auto& partition : client_->revoking()) partitions_.erase(partition);
    client_->give_back();
}

void TopicGroup::fill() {
    pulled_ = false;
    for (auto& [at, partition] : partitions_) {
        if (partition.leaving || !partition.waiting.empty() || !partition.dead.empty()) continue;
        for (auto& record : client_->pull(at, options_.consumer.batch_messages_max)) {
            partition.next = record.offset + 1;
            auto message = understand(record, types_);
            partition.waiting.push_back({std::move(record), std::move(message)});
            pulled_ = true;
        }
    }
}

std::size_t TopicGroup::Partition::before_suspect() const {
    if (suspect < 0) return waiting.size();
    const auto found = std::ranges::find_if(
        waiting, [this](const Arrived& one) { return one.record.offset >= suspect; });
    return static_cast<std::size_t>(found - waiting.begin());
}

bool TopicGroup::Partition::suspect_is_next() const {
    return suspect >= 0 && !waiting.empty() && waiting.front().record.offset == suspect;
}

std::int64_t TopicGroup::Partition::offset() const {
    if (!dead.empty()) return dead.front().record.offset;
    return waiting.empty() ? next : waiting.front().record.offset;
}

const IncomingRecord* TopicGroup::Partition::first_open() const {
    if (!dead.empty()) return &dead.front().record;
    return waiting.empty() ? nullptr : &waiting.front().record;
}

// What was thrown at is tried alone, after what comes before it: it undoes nobody's work.
std::vector<TopicGroup::Chosen> TopicGroup::choose() const {
    const auto now = SteadyClock::now();
    std::vector<Chosen> ready;
    for (const auto& [at, partition] : partitions_) {
        if (partition.leaving || !partition.dead.empty() || partition.waiting.empty()) continue;
        if (partition.suspect_is_next()) {
            if (now >= partition.rests_until) return {{at, 1}};
        } else {
            ready.push_back({at, partition.before_suspect()});
        }
    }
    if (ready.empty()) return ready;
    const std::size_t share =
        std::max<std::size_t>(1, options_.consumer.batch_messages_max / ready.size());
    for (auto& part : ready) part.messages = std::min(part.messages, share);
    return ready;
}

awaitable<void> TopicGroup::handle(std::vector<Chosen> chosen) {
    std::vector<const IncomingMessage*> messages;
    for (const auto& [from, count] : chosen) {
        const auto& waiting = partitions_.at(from).waiting;
        for (std::size_t i = 0; i < count; ++i) messages.push_back(&waiting[i].message);
    }
    try {
        const Instant now = clock_.now();
        auto results = co_await store_.write([this, &messages, now](store::Transaction& tx) {
            return apply(tx, consumer_, messages,
                         {now, handled_before_, options_.consumer.batch_time_max});
        });
        settle(chosen, std::move(results));
    } catch (const broker::MessageFault& fault) {
        blame(chosen, static_cast<std::size_t>(fault.position()), fault.what());
    }
}

void TopicGroup::settle(const std::vector<Chosen>& chosen, std::vector<Settled> results) {
    std::size_t settled = 0;
    for (const auto& [from, count] : chosen) {
        auto& partition = partitions_.at(from);
        for (std::size_t i = 0; i < count && settled < results.size(); ++i, ++settled)
            settle_next(partition, std::move(results[settled]));
    }
}

void TopicGroup::settle_next(Partition& partition, Settled result) {
    Arrived arrived = std::move(partition.waiting.front());
    partition.waiting.pop_front();
    int attempts = 1;
    if (arrived.record.offset == partition.suspect) {
        attempts += partition.attempts;
        partition.suspect = -1;
        partition.attempts = 0;
    }
    switch (result.kind) {
        case Settled::Kind::Done:
            done_.add();
            break;
        case Settled::Kind::Again:
            again_.add();
            break;
        case Settled::Kind::NotOurs:
            break;
        case Settled::Kind::Refused:
            refused_.add();
            report(arrived.message.message, result.handled, "A message was refused");
            break;
        case Settled::Kind::Poison:
            partition.dead.push_back(
                {std::move(arrived.record),
                 {std::move(arrived.message.message), std::move(result.handled), attempts}});
            break;
    }
}

void TopicGroup::blame(const std::vector<Chosen>& chosen, std::size_t place,
                       const std::string& fault) {
    faults_.add();
    auto part = chosen.begin();
    while (place >= part->messages) place -= (part++)->messages;
    auto& partition = partitions_.at(part->from);
    auto& arrived = partition.waiting[place];
    if (partition.suspect != arrived.record.offset) partition.attempts = 0;
    partition.suspect = arrived.record.offset;
    partition.fault = fault;
    ++partition.attempts;
    telemetry::warning("A message of Kafka could not be handled",
                       {{"group", group_},
                        {"topic", part->from.topic},
                        {"partition", part->from.partition},
                        {"offset", arrived.record.offset},
                        {"attempt", partition.attempts},
                        {"fault", fault}});
    rest(partition, partition.attempts);
    if (place > 0 || partition.attempts < options_.consumer.attempts_max) return;
    --partition.attempts;  // this one counts when it is settled
    settle_next(partition, {Settled::Kind::Poison, broker::Handled::poison("HandlerFault", fault)});
}

void TopicGroup::rest(Partition& partition, int failures) {
    partition.rests_until =
        SteadyClock::now() + limits::backoff(options_.consumer.backoff, failures, random_);
}

// All of them at once: a topic that takes none holds up the round once, and not once a partition.
awaitable<void> TopicGroup::bury_all() {
    const Instant now = clock_.now();
    std::vector<Partition*> concerned;
    std::vector<Record> records;
    for (auto& [at, partition] : partitions_) {
        const bool resting =
            partition.failed_burials > 0 && SteadyClock::now() < partition.rests_until;
        if (partition.dead.empty() || resting) continue;
        concerned.push_back(&partition);
        for (const auto& [record, failed] : partition.dead) {
            const auto topic = options_.topics.dead_letter_topic_of(record.topic);
            records.push_back(dead_letter_record(record, failed, topic, group_, now,
                                                 options_.dead_letter_envelope));
        }
    }
    if (records.empty()) co_return;
    const auto deliveries = co_await dead_letter_producer_.send(std::move(records));
    co_await bury(concerned, deliveries, now);
}

// The topic first: once the store has it as a dead letter, nobody would send it there again. What
// cannot stand in the topic is at least in the store.
awaitable<void> TopicGroup::bury(const std::vector<Partition*>& concerned,
                                 const std::vector<Delivery>& deliveries, Instant now) {
    std::vector<FailedMessage> told;
    auto delivery = deliveries.begin();
    for (const auto* partition : concerned) {
        for (const auto& dead : partition->dead) {
            if ((delivery++)->kind != Delivery::Kind::Away) told.push_back(dead.failed);
        }
    }
    const std::uint64_t seed = random_.next();
    const auto buried = co_await store_.write(
        [&](store::Transaction& tx) { return kafka::bury(tx, group_, told, now, seed); });
    delivery = deliveries.begin();
    for (auto* partition : concerned) {
        const auto count = static_cast<std::ptrdiff_t>(partition->dead.size());
        keep_unburied(*partition, {delivery, delivery + count});
        delivery += count;
    }
    poison_.add(static_cast<double>(buried));
    dead_letters_.changed();
    for (const auto& [message, why, attempts] : told)
        report(message, why, "A message has become a dead letter");
}

void TopicGroup::keep_unburied(Partition& partition, std::span<const Delivery> deliveries) {
    std::vector<Dead> left;
    std::string trouble;
    for (std::size_t i = 0; i < partition.dead.size(); ++i) {
        if (deliveries[i].kind != Delivery::Kind::Away) continue;
        trouble = deliveries[i].error_message;
        left.push_back(std::move(partition.dead[i]));
    }
    partition.dead = std::move(left);
    partition.failed_burials = partition.dead.empty() ? 0 : partition.failed_burials + 1;
    if (partition.dead.empty()) return;
    rest(partition, partition.failed_burials);
    telemetry::warning("Dead letters cannot be sent to their topic yet",
                       {{"group", group_}, {"reason", trouble}});
}

// While partitions are to be given back only they are committed: those who wait for them do not
// wait for what goes on here. Offsets also go back, when a topic is made anew.
Offsets TopicGroup::uncommitted() const {
    const bool giving_back = !client_->revoking().empty();
    Offsets offsets;
    for (const auto& [at, partition] : partitions_) {
        if (giving_back && !partition.leaving) continue;
        const auto offset = partition.offset();
        if (offset >= 0 && offset != partition.committed) offsets[at] = offset;
    }
    return offsets;
}

bool TopicGroup::committed_all() {
    note_failed_commits();
    return client_->commits_under_way() == 0 && uncommitted().empty();
}

void TopicGroup::note_failed_commits() {
    if (client_->failed_commits() == failed_commits_told_) return;
    failed_commits_.add(static_cast<double>(client_->failed_commits() - failed_commits_told_));
    failed_commits_told_ = client_->failed_commits();
    commits_rest_until_ = SteadyClock::now() + commit_again_after;
    for (auto& [at, partition] : partitions_) partition.committed = -1;
}

// One at a time: the library sends a commit again that a coordinator could not take, and then an
// older one would come after a newer one and take its place.
void TopicGroup::commit() {
    note_failed_commits();
    if (client_->commits_under_way() > 0 || SteadyClock::now() < commits_rest_until_) return;
    const auto offsets = uncommitted();
    if (offsets.empty()) return;
    for (const auto& [at, offset] : offsets) partitions_.at(at).committed = offset;
    client_->commit(offsets);
}

awaitable<void> TopicGroup::measure() {
    tell_lag();
    assigned_.set(static_cast<double>(partitions_.size()));
    rebalances_.add(static_cast<double>(client_->rebalances() - rebalances_told_));
    rebalances_told_ = client_->rebalances();
    {
        const std::scoped_lock lock(trouble_mutex_);
        trouble_ = client_->trouble();
    }
    const Instant now = clock_.now();
    if (!dead_letters_.due(now)) co_return;
    const auto waiting = co_await store_.read(
        [this](store::Snapshot& snapshot) { return dead_letters_.count(snapshot); });
    dead_letters_.set(waiting, now);
}

// The age is of what is here: nobody tells that of records which have yet to come.
void TopicGroup::tell_lag() {
    std::int64_t lag = 0;
    std::optional<Instant> oldest;
    for (const auto& [at, partition] : partitions_) {
        if (partition.offset() < 0) continue;
        lag += std::max<std::int64_t>(client_->end_of(at) - partition.offset(), 0);
        if (const auto* record = partition.first_open())
            oldest = std::min(oldest.value_or(record->at), record->at);
    }
    metrics_.lag(lag, oldest, clock_.now());
}

std::string TopicGroup::trouble() const {
    const std::scoped_lock lock(trouble_mutex_);
    return trouble_;
}

void TopicGroup::report(const broker::Message& message, const broker::Handled& handled,
                        const char* what) {
    telemetry::warning(what, {{"group", group_},
                              {"topic", message.topic},
                              {"key", message.key},
                              {"offset", message.position},
                              {"event_id", message.event_id.text()},
                              {"error_type", handled.error_type},
                              {"error", handled.error_message}});
}

}  // namespace florin::kafka
