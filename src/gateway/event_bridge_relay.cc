#include "gateway/event_bridge_relay.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include <boost/json.hpp>

#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/telemetry/log.h"

namespace json = boost::json;

namespace florin::gateway {
namespace {

using broker::Relayed;

constexpr const char* detail_type = "Payment Status Updated";
// The contract's keys, then ours that it lets us add.
constexpr std::array<const char*, 11> detail_keys = {
    "payment_id",     "reservation_id", "user_id",
    "status",         "amount",         "currency",
    "timestamp",      "event_type",     "payment_intent_id",
    "transaction_id", "failure_reason"};

bool is_throttling(std::string_view code) {
    return code.find("Throttl") != std::string_view::npos;
}

// What the bus says of an entry that it will never take.
bool is_malformed(std::string_view code) {
    return code == "MalformedDetail" || code == "InvalidArgument";
}

// What a service says of a request that is wrong because of its entries. Other refusals (no such
// bus) are for an operator to mend, and no entry is to blame.
bool blames_entries(const aws::Failure& failure) {
    return failure.kind == aws::Failure::Kind::Refused &&
           (failure.code == "ValidationException" || failure.code == "InvalidArgument" ||
            failure.code == "SerializationException" ||
            failure.code == "RequestEntityTooLargeException");
}

}  // namespace

std::expected<std::string, std::string> event_detail(const broker::Message& message) {
    boost::system::error_code malformed;
    const json::value event = json::parse(message.payload, malformed);
    const json::value* data =
        !malformed && event.is_object() ? event.get_object().if_contains("data") : nullptr;
    if (data == nullptr || !data->is_object())
        return std::unexpected("the event is not a JSON object with an object \"data\"");
    json::object detail;
    for (const char* key : detail_keys) {
        const json::value* value = data->get_object().if_contains(key);
        if (value == nullptr)
            return std::unexpected(std::string("the event has no \"") + key + '"');
        detail[key] = *value;
    }
    // To whoever listens for it a payment is approved or it is not; `status` says how it ended.
    detail["type"] = message.topic == "payment.completed" ? "payment.approved" : "payment.failed";
    detail["notification_id"] = message.event_id.text();
    const json::value* trace_id = event.get_object().if_contains("correlationid");
    detail["trace_id"] = trace_id != nullptr ? *trace_id : json::value("");
    return json::serialize(detail);
}

/// The messages on their way. Lanes take calls' worth of them until none is left; the last lane to
/// end resumes whoever waits.
class EventBridgeRelay::Round {
public:
    Round(runtime::Loop& loop, const std::vector<broker::Message>& messages,
          const EventBridgeRelayOptions& options)
        : loop_(loop),
          messages_(messages),
          entries_(messages.size()),
          // Until the bus has said otherwise.
          results_(messages.size(), {Relayed::Kind::Later, "NotSent", "the entry was not sent"}) {
        for (std::size_t i = 0; i < messages.size(); ++i) {
            auto detail = event_detail(messages[i]);
            if (!detail) {
                results_[i] = {Relayed::Kind::Poison, "MalformedEvent", detail.error()};
                continue;
            }
            entries_[i] = {options.source, detail_type, std::move(*detail), options.bus};
            waiting_.push_back(i);
        }
    }

    /// Places of the entries of the next call; none when there is no more to do.
    std::vector<std::size_t> next() {
        const std::span<const std::size_t> rest = std::span(waiting_).subspan(taken_);
        std::vector<std::size_t> bytes;
        for (const std::size_t item : rest.first(std::min(rest.size(), aws::entries_per_call_max)))
            bytes.push_back(entries_[item].bytes());
        const auto items = rest.first(aws::fitting_one_call(bytes));
        taken_ += items.size();
        return {items.begin(), items.end()};
    }

    [[nodiscard]] std::vector<aws::EventEntry> entries(
        const std::vector<std::size_t>& items) const {
        std::vector<aws::EventEntry> chosen;
        chosen.reserve(items.size());
        for (const std::size_t item : items) chosen.push_back(entries_[item]);
        return chosen;
    }
    void set(std::size_t item, Relayed result) { results_[item] = std::move(result); }
    [[nodiscard]] const broker::Message& message(std::size_t item) const { return messages_[item]; }

    /// The bus wants less, or nothing, and `why` says so of an entry: no further calls are made,
    /// and what has not been sent waits for the same reason.
    void stop(const Relayed& why) {
        if (!stopped_) stopped_ = why;
        for (; taken_ < waiting_.size(); ++taken_) results_[waiting_[taken_]] = *stopped_;
    }
    [[nodiscard]] const std::optional<Relayed>& stopped() const { return stopped_; }

    /// Held by each lane to its end, whatever that is.
    class Lane {
    public:
        explicit Lane(Round& round) : round_(round) {}
        ~Lane() {
            if (--round_.lanes_ == 0) round_.loop_.complete(&round_.done_);
        }
        Lane(const Lane&) = delete;
        Lane& operator=(const Lane&) = delete;

    private:
        Round& round_;
    };

    /// How many lanes there are to be: no more than calls.
    std::size_t begin(std::size_t lanes_max) {
        lanes_ =
            std::min((waiting_.size() + aws::entries_per_call_max - 1) / aws::entries_per_call_max,
                     lanes_max);
        return lanes_;
    }
    runtime::Completion& done() { return done_; }
    std::vector<Relayed> take() { return std::move(results_); }

    /// One line for all entries that were not taken: the reasons are mostly the same.
    void report_failed() const {
        const auto failed = [](const Relayed& result) {
            return result.kind == Relayed::Kind::Failed || result.kind == Relayed::Kind::Poison;
        };
        const auto first = std::ranges::find_if(results_, failed);
        if (first == results_.end()) return;
        const auto place = static_cast<std::size_t>(first - results_.begin());
        telemetry::warning("The event bus has not taken some entries",
                           {{"entries", std::ranges::count_if(results_, failed)},
                            {"payment_id", message(place).key},
                            {"error_code", first->error_type},
                            {"error_message", first->error_message}});
    }

private:
    runtime::Loop& loop_;
    const std::vector<broker::Message>& messages_;
    std::vector<aws::EventEntry> entries_;
    std::vector<Relayed> results_;
    std::vector<std::size_t> waiting_;  // places in `entries_`
    std::size_t taken_ = 0;             // of `waiting_`
    std::optional<Relayed> stopped_;
    std::size_t lanes_ = 0;  // that have not ended
    runtime::Completion done_;
};

EventBridgeRelay::EventBridgeRelay(runtime::Loop& loop, aws::Client& client,
                                   EventBridgeRelayOptions options, telemetry::Metrics& metrics)
    : loop_(loop), client_(client), options_(std::move(options)) {
    const auto counter = [&](const char* result) {
        return metrics.counter("florin_event_bridge_entries_total",
                               "Entries sent to the event bus, each time, by what came of them.",
                               {{"result", result}});
    };
    taken_ = counter("taken");
    failed_ = counter("failed");
    later_ = counter("later");
}

awaitable<std::vector<Relayed>> EventBridgeRelay::relay(std::vector<broker::Message> messages) {
    Round round(loop_, messages, options_);
    const std::size_t lanes = round.begin(options_.calls_max);
    if (lanes > 0) {
        co_await round.done().wait([this, &round, lanes] {
            for (std::size_t i = 0; i < lanes; ++i)
                runtime::spawn(loop_, "event bridge", lane(round));
        });
    }
    round.report_failed();
    co_return round.take();
}

awaitable<void> EventBridgeRelay::lane(Round& round) {
    const Round::Lane held(round);
    for (auto items = round.next(); !items.empty(); items = round.next())
        co_await put(round, std::move(items));
}

awaitable<void> EventBridgeRelay::put(Round& round, std::vector<std::size_t> items) {
    const auto answer =
        co_await aws::put_events(client_, round.entries(items), options_.call_deadline);
    if (answer) {
        for (std::size_t i = 0; i < items.size(); ++i) settle(round, items[i], (*answer)[i]);
        co_return;
    }
    const aws::Failure& failure = answer.error();
    if (blames_entries(failure) && items.size() > 1) {
        for (const std::size_t item : items) {
            if (round.stopped()) {
                round.set(item, *round.stopped());
            } else {
                co_await put(round, {item});
            }
        }
        co_return;
    }
    const bool to_blame = blames_entries(failure);
    (to_blame ? failed_ : later_).add(static_cast<double>(items.size()));
    const Relayed result{to_blame ? Relayed::Kind::Failed : Relayed::Kind::Later, failure.code,
                         failure.text};
    for (const std::size_t item : items) round.set(item, result);
    if (!to_blame) round.stop(result);
}

void EventBridgeRelay::settle(Round& round, std::size_t item, const aws::EntryResult& result) {
    if (result.taken()) {
        taken_.add();
        round.set(item, {Relayed::Kind::Done, "", ""});
        if (telemetry::enabled(telemetry::Level::Debug)) {
            telemetry::debug(
                "An outcome has been published",
                {{"payment_id", round.message(item).key}, {"event_id", result.event_id}});
        }
        return;
    }
    const bool throttled = is_throttling(result.error_code);
    (throttled ? later_ : failed_).add();
    const auto kind = throttled                         ? Relayed::Kind::Later
                      : is_malformed(result.error_code) ? Relayed::Kind::Poison
                                                        : Relayed::Kind::Failed;
    const Relayed told{kind, result.error_code, result.error_message};
    round.set(item, told);
    if (throttled) round.stop(told);
}

}  // namespace florin::gateway
