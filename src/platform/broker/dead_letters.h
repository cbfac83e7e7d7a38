#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "platform/broker/consumer.h"

namespace florin::broker {

/// A message that its group could not handle, kept for a person to decide.
struct DeadLetter {
    enum class State : std::uint8_t {
        Waiting,
        Handled,   // by a re-drive
        Discarded  // by a person
    };
    Uuid id;  // ascending with time
    std::string group;
    Message message;
    std::string error_type;
    std::string error_message;
    int attempts = 1;
    State state = State::Waiting;
    Instant created_at;
    Instant updated_at;
};
/// "WAITING", "HANDLED", "DISCARDED".
std::string_view name_of(DeadLetter::State state);

/// Why nothing was done with a dead letter.
enum class DeadLetterRefusal : std::uint8_t {
    NotFound,
    NotWaiting,  // it was handled or discarded before
    NoConsumer   // nobody here serves its group
};

namespace dead_letters {

void insert(store::Transaction& tx, const DeadLetter& letter);

std::optional<DeadLetter> find(store::Snapshot& snapshot, const Uuid& id);

/// A page of the letters that wait, newest first.
struct ListQuery {
    std::optional<std::string> group;
    std::optional<Uuid> before;  // the last id of the page before
    int limit = 50;
};
std::vector<DeadLetter> list(store::Snapshot& snapshot, const ListQuery& query);

struct GroupCount {
    std::string group;
    std::int64_t waiting = 0;
};
/// Of each group with letters that wait, by name.
std::vector<GroupCount> counts(store::Snapshot& snapshot);
std::int64_t count_waiting(store::Snapshot& snapshot, std::string_view group);

/// Nobody will handle it.
std::expected<void, DeadLetterRefusal> discard(store::Transaction& tx, const Uuid& id, Instant now);

/// It was carried again, by a relay that no transaction holds: it is handled.
std::expected<void, DeadLetterRefusal> mark_handled(store::Transaction& tx, const Uuid& id,
                                                    Instant now);
/// That failed: it stays waiting, with one attempt more and the new error.
std::expected<void, DeadLetterRefusal> note_failure(store::Transaction& tx, const Uuid& id,
                                                    std::string_view error_type,
                                                    std::string_view error_message, Instant now);

/// Lets the consumer of its group handle the message again, here and now, whatever came after it.
/// Done or refused: the letter is handled. Poison: it stays waiting, with one attempt more and the
/// new error. Throws what `handle` throws; then nothing has changed.
std::expected<Handled, DeadLetterRefusal> redrive(store::Transaction& tx,
                                                  std::span<Consumer* const> consumers,
                                                  const Uuid& id, Instant now);

/// Deletes up to `limit` letters that were handled or discarded before `before`; those that wait
/// stay. How many it deleted.
std::int64_t prune(store::Transaction& tx, Instant before, int limit);

}  // namespace dead_letters
}  // namespace florin::broker
