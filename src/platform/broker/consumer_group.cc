#include "platform/broker/consumer_group.h"

#include <algorithm>
#include <chrono>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "platform/broker/dead_letters.h"
#include "platform/broker/offsets.h"
#include "platform/runtime/loop.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace json = boost::json;

namespace florin::broker {
namespace {

// Rows of other topics that a group passes before it stores that it did: a write for each page of
// them would cost the writer more than reading them again after a restart.
constexpr std::int64_t unstored_rows_max = 4'096;
constexpr Microseconds count_dead_letters_every = Seconds(10);

/// The trace id of a CloudEvent, for people; empty when it has none.
std::string trace_id_of(const std::string& payload) {
    boost::system::error_code malformed;
    const json::value event = json::parse(payload, malformed);
    if (malformed || !event.is_object()) return {};
    const auto* const id = event.get_object().if_contains("correlationid");
    return id != nullptr && id->is_string() ? std::string(id->get_string()) : std::string();
}

}  // namespace

ConsumerGroup::ConsumerGroup(runtime::Loop& loop, store::Store& store, Consumer& consumer,
                             const Clock& clock, ConsumerOptions options,
                             telemetry::Metrics& metrics)
    : loop_(loop),
      store_(store),
      consumer_(consumer),
      clock_(clock),
      options_(options),
      group_(consumer.group()),
      topics_(consumer.topics()),
      wakeup_(loop),
      random_(options.seed),
      lag_(metrics.gauge("florin_consumer_lag",
                         "Events in the log that a consumer group has yet to pass.",
                         {{"group", group_}})),
      dead_letters_(metrics.gauge("florin_dead_letters",
                                  "Messages of a consumer group that wait for a person.",
                                  {{"group", group_}})) {
    const auto counter = [&](const char* result) {
        return metrics.counter("florin_consumer_messages_total",
                               "Messages of a consumer group, by what became of them; a fault is "
                               "tried again.",
                               {{"group", group_}, {"result", result}});
    };
    done_ = counter("done");
    refused_ = counter("refused");
    poison_ = counter("dead_letter");
    faults_ = counter("fault");
}

void ConsumerGroup::start() {
    running_ = true;
    runtime::spawn(loop_, group_, run());
}

awaitable<bool> ConsumerGroup::stop(Milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    stopping_ = true;
    wakeup_.notify();
    while (running_ && std::chrono::steady_clock::now() < until)
        co_await runtime::sleep_for(Milliseconds(1));
    co_return !running_;
}

awaitable<void> ConsumerGroup::run() {
    while (!stopping_) {
        switch (co_await step()) {
            case Step::Behind:
                break;
            case Step::AtEnd:
                co_await wakeup_.wait_until(clock_, clock_.now() + options_.look_interval);
                break;
            case Step::Failed:
                co_await back_off();
                break;
        }
        if (!stopping_) co_await runtime::sleep_for(options_.batch_pause);
    }
    running_ = false;
}

// New events wake a group all the time, but are no reason to ask a store again that is gone.
awaitable<void> ConsumerGroup::back_off() {
    using SteadyClock = std::chrono::steady_clock;
    const auto until = SteadyClock::now() + limits::backoff(options_.backoff, failures_, random_);
    for (auto now = SteadyClock::now(); now < until && !stopping_; now = SteadyClock::now()) {
        const auto rest = std::chrono::ceil<Microseconds>(until - now);
        co_await wakeup_.wait_until(clock_, clock_.now() + rest);
    }
}

awaitable<ConsumerGroup::Step> ConsumerGroup::step() {
    try {
        if (!stored_offset_) co_await begin();
        co_await handle(co_await read());
        failures_ = 0;
        co_return position_ < end_ ? Step::Behind : Step::AtEnd;
    } catch (const MessageFault& fault) {
        blame(fault);
    } catch (const std::exception& fault) {
        report_fault(fault.what());
    }
    ++failures_;
    co_return Step::Failed;
}

awaitable<void> ConsumerGroup::begin() {
    moved_to(co_await store_.write([this](store::Transaction& tx) {
        if (const auto offset = offset_of(tx, group_)) return *offset;
        const bool from_end = options_.start == ConsumerOptions::Start::End;
        const std::int64_t offset = from_end ? end_of_log(tx) : 0;
        set_offset(tx, group_, offset);
        return offset;
    }));
}

awaitable<LogPage> ConsumerGroup::read() {
    const Instant now = clock_.now();
    const bool count = now >= count_dead_letters_at_;
    Look look = co_await store_.read([this, count](store::Snapshot& snapshot) {
        Look seen{read_log(snapshot, topics_, next_range()), std::nullopt};
        if (count) seen.dead_letters = dead_letters::count_waiting(snapshot, group_);
        return seen;
    });
    if (look.dead_letters) {
        dead_letters_.set(static_cast<double>(*look.dead_letters));
        count_dead_letters_at_ = now + count_dead_letters_every;
    }
    end_ = look.page.end;
    lag_.set(static_cast<double>(end_ - position_));
    isolate_suspect(look.page);
    co_return std::move(look.page);
}

LogRange ConsumerGroup::next_range() const {
    LogRange range;
    range.after = position_;
    if (suspect_) range.until = suspect_->position;
    range.messages_max = options_.batch_messages_max;
    range.bytes_max = options_.batch_bytes_max;
    return range;
}

// What was thrown at is tried alone, after what comes before it: a message that throws again and
// again holds up those behind it, for a while, but undoes nobody's work.
void ConsumerGroup::isolate_suspect(LogPage& page) const {
    if (!suspect_ || page.messages.size() < 2) return;
    if (page.messages.back().position != suspect_->position) return;
    page.messages.pop_back();
    page.position = page.messages.back().position;
}

awaitable<void> ConsumerGroup::handle(LogPage page) {
    if (page.messages.empty() && page.position - *stored_offset_ < unstored_rows_max) {
        if (page.position == position_) suspect_.reset();  // nothing is left of it
        position_ = page.position;
    } else {
        ConsumerBatch batch{*stored_offset_, page.position, std::move(page.messages),
                            random_.next(),  clock_.now(),  options_.batch_time_max};
        const bool give_up_now = to_give_up(batch.messages);
        const BatchResult result =
            co_await store_.write([this, &batch, give_up_now](store::Transaction& tx) {
                return give_up_now
                           ? give_up(tx, consumer_, batch, suspect_->fault, suspect_->attempts)
                           : apply(tx, consumer_, batch);
            });
        applied(batch, result);
    }
    lag_.set(static_cast<double>(std::max<std::int64_t>(end_ - position_, 0)));
}

bool ConsumerGroup::to_give_up(const std::vector<Message>& messages) const {
    return suspect_ && messages.size() == 1 && messages.front().position == suspect_->position &&
           suspect_->attempts >= options_.attempts_max;
}

void ConsumerGroup::applied(const ConsumerBatch& batch, const BatchResult& result) {
    moved_to(result.stored_offset);
    done_.add(static_cast<double>(result.handled - result.setbacks.size()));
    for (const auto& [message, handled] : result.setbacks)
        report_setback(batch.messages[message], handled);
}

void ConsumerGroup::moved_to(std::int64_t stored_offset) {
    stored_offset_ = stored_offset;
    position_ = stored_offset;
    if (suspect_ && position_ >= suspect_->position) suspect_.reset();
}

void ConsumerGroup::blame(const MessageFault& fault) {
    faults_.add();
    if (!suspect_ || suspect_->position != fault.position())
        suspect_ = Suspect{fault.position(), 0, {}};
    ++suspect_->attempts;
    suspect_->fault = fault.what();
    telemetry::warning("A message could not be handled", {{"group", group_},
                                                          {"position", fault.position()},
                                                          {"attempt", suspect_->attempts},
                                                          {"fault", fault.what()}});
}

void ConsumerGroup::report_fault(const char* fault) {
    telemetry::warning("Messages cannot be handled yet", {{"group", group_},
                                                          {"after_position", position_},
                                                          {"failures", failures_ + 1},
                                                          {"fault", fault}});
}

void ConsumerGroup::report_setback(const Message& message, const Handled& handled) {
    const bool poison = handled.kind == Handled::Kind::Poison;
    (poison ? poison_ : refused_).add();
    if (poison) count_dead_letters_at_ = {};
    telemetry::warning(poison ? "A message has become a dead letter" : "A message was refused",
                       {{"group", group_},
                        {"topic", message.topic},
                        {"key", message.key},
                        {"position", message.position},
                        {"event_id", message.event_id.text()},
                        {"error_type", handled.error_type},
                        {"error", handled.error_message},
                        {"trace_id", trace_id_of(message.payload)}});
}

}  // namespace florin::broker
