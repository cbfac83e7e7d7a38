#include "seats/seat_store.h"

#include <stdexcept>

#include "seats/reservation.h"

namespace florin::seats {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;

#define EVENT_COLUMNS "id, kind, seats_print, created_at"

constexpr Sql find_event_sql("SELECT " EVENT_COLUMNS " FROM seated_event WHERE id = ?");
constexpr Sql insert_event_sql("INSERT INTO seated_event (" EVENT_COLUMNS ") VALUES (?,?,?,?)");
constexpr Sql list_events_sql("SELECT " EVENT_COLUMNS
                              " FROM seated_event WHERE id > ? ORDER BY id LIMIT ?");

constexpr Sql count_sql("SELECT state, count(*) FROM seat WHERE event_id = ? GROUP BY state");
constexpr Sql find_seat_sql("SELECT state FROM seat WHERE event_id = ? AND seat_id = ?");
// States are written out: 1 available, 2 reserved, 3 sold.
constexpr Sql available_sql(
    "SELECT seat_id FROM seat WHERE event_id = ? AND state = 1 ORDER BY place, seat_id LIMIT ?");
constexpr Sql list_sql(
    "SELECT seat_id, place, state, reservation_id FROM seat WHERE event_id = ? AND state = ?"
    " AND (place, seat_id) > (?, ?) ORDER BY place, seat_id LIMIT ?");
constexpr Sql insert_seat_sql(
    "INSERT INTO seat (event_id, seat_id, place, state, reservation_id) VALUES (?,?,?,?,?)");
constexpr Sql hold_sql(
    "UPDATE seat SET state = 2, reservation_id = ? WHERE event_id = ? AND seat_id = ?"
    " AND state = 1");
constexpr Sql sell_sql(
    "UPDATE seat SET state = 3 WHERE event_id = ? AND seat_id = ? AND state = 2"
    " AND reservation_id = ?");
constexpr Sql release_sql(
    "UPDATE seat SET state = 1, reservation_id = NULL WHERE event_id = ? AND seat_id = ?"
    " AND state = 2 AND reservation_id = ?");

SeatedEvent read_event(const Rows& row) {
    SeatedEvent event;
    event.id = row.text(0);
    event.kind = static_cast<SeatedEvent::Kind>(row.integer(1));
    event.seats_print = row.blob(2);
    event.created_at = row.instant(3);
    return event;
}

Seat read_seat(const Rows& row) {
    Seat seat;
    seat.id = row.text(0);
    seat.place = row.integer(1);
    seat.state = static_cast<SeatState>(row.integer(2));
    if (!row.is_null(3)) seat.reservation_id = wire_id(row.uuid(3));
    return seat;
}

void expect_one(std::int64_t changed, std::string_view event, std::string_view seat) {
    if (changed == 1) return;
    throw std::logic_error("seat " + std::string(seat) + " of event " + std::string(event) +
                           " is not as its reservation says");
}

}  // namespace

std::optional<SeatedEvent> find_event(store::Snapshot& snapshot, std::string_view id) {
    auto rows = snapshot.query(find_event_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_event(rows);
}

void insert_event(store::Transaction& tx, const SeatedEvent& event) {
    tx.execute(insert_event_sql, event.id, static_cast<int>(event.kind), Blob{event.seats_print},
               event.created_at);
}

std::vector<SeatedEvent> list_events(store::Snapshot& snapshot, std::string_view after, int limit) {
    std::vector<SeatedEvent> events;
    auto rows = snapshot.query(list_events_sql, after, limit);
    while (rows.next()) events.push_back(read_event(rows));
    return events;
}

SeatCounts count_seats(store::Snapshot& snapshot, std::string_view event) {
    SeatCounts counts;
    auto rows = snapshot.query(count_sql, event);
    while (rows.next()) {
        switch (static_cast<SeatState>(rows.integer(0))) {
            case SeatState::Available:
                counts.available = rows.integer(1);
                break;
            case SeatState::Reserved:
                counts.reserved = rows.integer(1);
                break;
            case SeatState::Sold:
                counts.sold = rows.integer(1);
                break;
        }
    }
    return counts;
}

std::optional<SeatState> find_seat(store::Snapshot& snapshot, std::string_view event,
                                   std::string_view seat) {
    auto rows = snapshot.query(find_seat_sql, event, seat);
    if (!rows.next()) return std::nullopt;
    return static_cast<SeatState>(rows.integer(0));
}

std::vector<std::string> available_seats(store::Snapshot& snapshot, std::string_view event,
                                         std::int64_t limit) {
    std::vector<std::string> seats;
    auto rows = snapshot.query(available_sql, event, limit);
    while (rows.next()) seats.emplace_back(rows.text(0));
    return seats;
}

std::vector<Seat> list_seats(store::Snapshot& snapshot, const SeatFilter& filter) {
    std::vector<Seat> seats;
    auto rows = snapshot.query(list_sql, filter.event, static_cast<int>(filter.state),
                               filter.after_place, filter.after_seat, filter.limit);
    while (rows.next()) seats.push_back(read_seat(rows));
    return seats;
}

void insert_seats(store::Transaction& tx, std::string_view event,
                  const std::vector<std::string>& seats, std::int64_t first_place) {
    for (const auto& seat : seats) {
        tx.execute(insert_seat_sql, event, seat, first_place++,
                   static_cast<int>(SeatState::Available), std::nullopt);
    }
}

void insert_held_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
                      const Uuid& reservation) {
    tx.execute(insert_seat_sql, event, seat, 0, static_cast<int>(SeatState::Reserved), reservation);
}

void hold_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
               const Uuid& reservation) {
    expect_one(tx.execute(hold_sql, reservation, event, seat), event, seat);
}

void sell_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
               const Uuid& reservation) {
    expect_one(tx.execute(sell_sql, event, seat, reservation), event, seat);
}

void release_seat(store::Transaction& tx, std::string_view event, std::string_view seat,
                  const Uuid& reservation) {
    expect_one(tx.execute(release_sql, event, seat, reservation), event, seat);
}

}  // namespace florin::seats
