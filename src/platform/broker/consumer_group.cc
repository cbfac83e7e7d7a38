#include "platform/broker/consumer_group.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "platform/broker/offsets.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace json = boost::json;

namespace florin::broker {
namespace {

// Rows of other topics that a group passes before it stores that it did: a write for each page of
// them would cost the writer more than reading them again after a restart.
constexpr std::int64_t unstored_rows_max = 4'096;

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
    : store_(store),
      consumer_(consumer),
      clock_(clock),
      options_(options),
      group_(consumer.group()),
      topics_(consumer.topics()),
      random_(options.seed),
      runner_(
          loop, clock, group_, options, [this] { return step(); }, [this] { forget(); }),
      metrics_(metrics, group_),
      dead_letters_(metrics, group_),
      done_(metrics_.messages("done")),
      refused_(metrics_.messages("refused")),
      poison_(metrics_.messages("dead_letter")),
      faults_(metrics_.messages("fault")) {}

awaitable<ConsumerGroup::Step> ConsumerGroup::step() {
    try {
        if (!stored_offset_) co_await begin();
        co_await handle(co_await read());
        co_return position_ < end_ ? Step::Behind : Step::AtEnd;
    } catch (const MessageFault& fault) {
        blame(fault);
    } catch (const std::exception& fault) {
        report_fault(fault.what());
    }
    co_return Step::Failed;
}

void ConsumerGroup::forget() {
    stored_offset_.reset();
    suspect_.reset();
    metrics_.no_lag();
    dead_letters_.forget();
}

awaitable<void> ConsumerGroup::begin() {
    moved_to(co_await store_.write(
        [this](store::Transaction& tx) { return begin_at(tx, group_, options_.start); }));
}

awaitable<LogPage> ConsumerGroup::read() {
    const Instant now = clock_.now();
    const bool count = dead_letters_.due(now);
    Look look = co_await store_.read([this, count](store::Snapshot& snapshot) {
        Look seen{read_log(snapshot, topics_, next_range()), backlog_after(snapshot, position_),
                  std::nullopt};
        if (count) seen.dead_letters = dead_letters_.count(snapshot);
        return seen;
    });
    if (look.dead_letters) dead_letters_.set(*look.dead_letters, now);
    end_ = look.page.end;
    backlog_ = look.backlog;
    metrics_.lag(backlog_.events, backlog_.oldest, now);
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
    const std::int64_t before = position_;
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
    if (position_ >= end_) {
        metrics_.no_lag();
    } else {  // until the next look, which comes at once
        metrics_.lag(backlog_.events - (position_ - before), backlog_.oldest, clock_.now());
    }
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
    if (result.handled > 0) consumer_.committed();
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
                                                          {"failures", runner_.failures() + 1},
                                                          {"fault", fault}});
}

void ConsumerGroup::report_setback(const Message& message, const Handled& handled) {
    const bool poison = handled.kind == Handled::Kind::Poison;
    (poison ? poison_ : refused_).add();
    if (poison) dead_letters_.changed();
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
