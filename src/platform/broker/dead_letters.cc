#include "platform/broker/dead_letters.h"

#include <algorithm>

#include "platform/base/require.h"

namespace florin::broker {
namespace {

constexpr store::Sql insert_letter(
    "INSERT INTO dead_letter (id, consumer_group, topic, position, event_id, message_key, payload,"
    " event_at, error_type, error_message, attempts, state, created_at, updated_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
constexpr store::Sql select_letter(
    "SELECT id, consumer_group, topic, position, event_id, message_key, payload, event_at,"
    " error_type, error_message, attempts, state, created_at, updated_at"
    " FROM dead_letter WHERE id = ?");
constexpr store::Sql select_waiting(
    "SELECT id, consumer_group, topic, position, event_id, message_key, payload, event_at,"
    " error_type, error_message, attempts, state, created_at, updated_at"
    " FROM dead_letter WHERE state = 0 AND id < ? AND (? IS NULL OR consumer_group = ?)"
    " ORDER BY id DESC LIMIT ?");
constexpr store::Sql select_counts(
    "SELECT consumer_group, COUNT(*) FROM dead_letter WHERE state = 0"
    " GROUP BY consumer_group ORDER BY consumer_group");
constexpr store::Sql select_count(
    "SELECT COUNT(*) FROM dead_letter WHERE state = 0 AND consumer_group = ?");
constexpr store::Sql resolve_letter(
    "UPDATE dead_letter SET state = ?, attempts = attempts + ?, updated_at = ?"
    " WHERE id = ? AND state = 0");
constexpr store::Sql blame_letter(
    "UPDATE dead_letter SET error_type = ?, error_message = ?, attempts = attempts + 1,"
    " updated_at = ? WHERE id = ? AND state = 0");
constexpr store::Sql prune_letters(
    "DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter"
    " WHERE state <> 0 AND updated_at < ? ORDER BY updated_at LIMIT ?)",
    "DELETE FROM dead_letter WHERE state IN (1, 2) AND updated_at < ? LIMIT ?");

// The stored numbers; they never change.
int number_of(DeadLetter::State state) {
    switch (state) {
        case DeadLetter::State::Waiting:
            return 0;
        case DeadLetter::State::Handled:
            return 1;
        case DeadLetter::State::Discarded:
            return 2;
    }
    return 0;
}

DeadLetter::State state_of(std::int64_t number) {
    require(number >= 0 && number <= 2, "only three states of dead letters are ever stored");
    if (number == 0) return DeadLetter::State::Waiting;
    return number == 1 ? DeadLetter::State::Handled : DeadLetter::State::Discarded;
}

DeadLetter letter_of(const store::Rows& rows) {
    DeadLetter letter;
    letter.id = rows.uuid(0);
    letter.group = rows.text(1);
    letter.message.topic = rows.text(2);
    letter.message.position = rows.integer(3);
    letter.message.event_id = rows.uuid(4);
    letter.message.key = rows.text(5);
    letter.message.payload = rows.text(6);
    letter.message.at = rows.instant(7);
    letter.error_type = rows.text(8);
    letter.error_message = rows.text(9);
    letter.attempts = static_cast<int>(rows.integer(10));
    letter.state = state_of(rows.integer(11));
    letter.created_at = rows.instant(12);
    letter.updated_at = rows.instant(13);
    return letter;
}

}  // namespace

std::string_view name_of(DeadLetter::State state) {
    switch (state) {
        case DeadLetter::State::Waiting:
            return "WAITING";
        case DeadLetter::State::Handled:
            return "HANDLED";
        case DeadLetter::State::Discarded:
            return "DISCARDED";
    }
    return {};
}

namespace dead_letters {

void insert(store::Transaction& tx, const DeadLetter& letter) {
    const Message& message = letter.message;
    tx.execute(insert_letter, letter.id, letter.group, message.topic, message.position,
               message.event_id, message.key, message.payload, message.at, letter.error_type,
               letter.error_message, letter.attempts, number_of(letter.state), letter.created_at,
               letter.updated_at);
}

std::optional<DeadLetter> find(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(select_letter, id);
    if (!rows.next()) return std::nullopt;
    return letter_of(rows);
}

std::vector<DeadLetter> list(store::Snapshot& snapshot, const ListQuery& query) {
    Uuid last;
    last.bytes.fill(0xFF);
    std::vector<DeadLetter> letters;
    auto rows = snapshot.query(select_waiting, query.before.value_or(last), query.group,
                               query.group, query.limit);
    while (rows.next()) letters.push_back(letter_of(rows));
    return letters;
}

std::vector<GroupCount> counts(store::Snapshot& snapshot) {
    std::vector<GroupCount> counted;
    auto rows = snapshot.query(select_counts);
    while (rows.next()) counted.push_back({std::string(rows.text(0)), rows.integer(1)});
    return counted;
}

std::int64_t count_waiting(store::Snapshot& snapshot, std::string_view group) {
    auto rows = snapshot.query(select_count, group);
    return rows.next() ? rows.integer(0) : 0;
}

namespace {

/// `changed`: how many letters were waiting under that id.
std::expected<void, DeadLetterRefusal> done_or_refused(store::Snapshot& snapshot, const Uuid& id,
                                                       std::int64_t changed) {
    if (changed > 0) return {};
    return std::unexpected(find(snapshot, id) ? DeadLetterRefusal::NotWaiting
                                              : DeadLetterRefusal::NotFound);
}

}  // namespace

std::expected<void, DeadLetterRefusal> discard(store::Transaction& tx, const Uuid& id,
                                               Instant now) {
    return done_or_refused(
        tx, id, tx.execute(resolve_letter, number_of(DeadLetter::State::Discarded), 0, now, id));
}

std::expected<void, DeadLetterRefusal> mark_handled(store::Transaction& tx, const Uuid& id,
                                                    Instant now) {
    return done_or_refused(
        tx, id, tx.execute(resolve_letter, number_of(DeadLetter::State::Handled), 1, now, id));
}

std::expected<void, DeadLetterRefusal> note_failure(store::Transaction& tx, const Uuid& id,
                                                    std::string_view error_type,
                                                    std::string_view error_message, Instant now) {
    return done_or_refused(tx, id, tx.execute(blame_letter, error_type, error_message, now, id));
}

std::expected<Handled, DeadLetterRefusal> redrive(store::Transaction& tx,
                                                  std::span<Consumer* const> consumers,
                                                  const Uuid& id, Instant now) {
    const auto letter = find(tx, id);
    if (!letter) return std::unexpected(DeadLetterRefusal::NotFound);
    if (letter->state != DeadLetter::State::Waiting)
        return std::unexpected(DeadLetterRefusal::NotWaiting);
    const auto consumer = std::ranges::find(consumers, letter->group, &Consumer::group);
    if (consumer == consumers.end()) return std::unexpected(DeadLetterRefusal::NoConsumer);
    Handled handled = (*consumer)->handle(tx, letter->message);
    if (handled.kind == Handled::Kind::Poison) {
        tx.execute(blame_letter, handled.error_type, handled.error_message, now, id);
    } else {
        tx.execute(resolve_letter, number_of(DeadLetter::State::Handled), 1, now, id);
    }
    return handled;
}

std::int64_t prune(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(prune_letters, before, limit);
}

}  // namespace dead_letters
}  // namespace florin::broker
