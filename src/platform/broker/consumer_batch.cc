#include "platform/broker/consumer_batch.h"

#include <chrono>

#include "platform/base/faults.h"
#include "platform/base/fixed_clock.h"
#include "platform/base/require.h"
#include "platform/broker/dead_letters.h"
#include "platform/broker/offsets.h"

namespace florin::broker {
namespace {

/// Makes dead letters of a batch; the same ones when the command runs again.
class DeadLetterWriter {
public:
    DeadLetterWriter(store::Transaction& tx, std::string_view group, const ConsumerBatch& batch)
        : tx_(tx), group_(group), clock_(batch.now), ids_(clock_, batch.id_seed) {}

    void write(const Message& message, const Handled& poison, int attempts) {
        const Instant now = clock_.now();
        dead_letters::insert(
            tx_, {ids_.next(), std::string(group_), message, poison.error_type,
                  poison.error_message, attempts, DeadLetter::State::Waiting, now, now});
    }

private:
    store::Transaction& tx_;
    std::string_view group_;
    const FixedClock clock_;  // when the batch was built
    UuidGenerator ids_;
};

Handled handle(store::Transaction& tx, Consumer& consumer, const Message& message) {
    try {
        return consumer.handle(tx, message);
    } catch (const Unavailable&) {
        throw;
    } catch (const std::exception& fault) {
        throw MessageFault(message.position, fault.what());
    }
}

/// Nothing when the group stands where the batch begins, else where it stands.
std::optional<BatchResult> moved(store::Transaction& tx, std::string_view group,
                                 const ConsumerBatch& batch) {
    const std::int64_t offset = offset_of(tx, group).value_or(0);
    if (offset == batch.stored_offset) return std::nullopt;
    return BatchResult{.applied = false, .stored_offset = offset, .handled = 0, .setbacks = {}};
}

}  // namespace

BatchResult apply(store::Transaction& tx, Consumer& consumer, const ConsumerBatch& batch) {
    if (auto elsewhere = moved(tx, consumer.group(), batch)) return *elsewhere;
    const auto until = std::chrono::steady_clock::now() + batch.time_max;
    DeadLetterWriter dead_letter_writer(tx, consumer.group(), batch);
    BatchResult result;
    for (const Message& message : batch.messages) {
        if (result.handled > 0 && std::chrono::steady_clock::now() >= until) break;
        Handled handled = handle(tx, consumer, message);
        if (handled.kind == Handled::Kind::Poison) dead_letter_writer.write(message, handled, 1);
        if (handled.kind != Handled::Kind::Done)
            result.setbacks.push_back({result.handled, std::move(handled)});
        ++result.handled;
    }
    const bool all = result.handled == batch.messages.size();
    result.stored_offset = all ? batch.position : batch.messages[result.handled - 1].position;
    set_offset(tx, consumer.group(), result.stored_offset);
    return result;
}

BatchResult give_up(store::Transaction& tx, const Consumer& consumer, const ConsumerBatch& batch,
                    const std::string& fault, int attempts) {
    require(batch.messages.size() == 1, "only a message that was tried alone is given up");
    if (auto elsewhere = moved(tx, consumer.group(), batch)) return *elsewhere;
    BatchResult result;
    result.handled = 1;
    result.stored_offset = batch.position;
    result.setbacks.push_back({0, Handled::poison("HandlerFault", fault)});
    DeadLetterWriter(tx, consumer.group(), batch)
        .write(batch.messages.front(), result.setbacks.front().handled, attempts);
    set_offset(tx, consumer.group(), result.stored_offset);
    return result;
}

}  // namespace florin::broker
