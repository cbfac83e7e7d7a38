#include "seats/reservation_store.h"

#include <string_view>

namespace florin::seats {
namespace {

using store::Blob;
using store::Rows;
using store::Sql;
using State = Reservation::State;

#define RESERVATION_COLUMNS                                          \
    "id, event_id, user_id, seat_ids, total_price, currency, state," \
    " payment_intent_id, created_at, updated_at, expires_at, due_at"

constexpr Sql insert_sql("INSERT INTO seat_reservation (" RESERVATION_COLUMNS
                         ", key_digest, request_print) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
constexpr Sql find_sql("SELECT " RESERVATION_COLUMNS " FROM seat_reservation WHERE id = ?");
constexpr Sql find_by_key_sql("SELECT " RESERVATION_COLUMNS
                              ", request_print FROM seat_reservation WHERE key_digest = ?");
constexpr Sql update_sql(
    "UPDATE seat_reservation SET state = ?, payment_intent_id = ?, updated_at = ?, due_at = ?,"
    " released_at = ? WHERE id = ?");

// One text for each choice of index.
constexpr Sql list_all_sql("SELECT " RESERVATION_COLUMNS
                           " FROM seat_reservation WHERE id < ? ORDER BY id DESC LIMIT ?");
constexpr Sql list_user_sql("SELECT " RESERVATION_COLUMNS
                            " FROM seat_reservation WHERE user_id = ? AND id < ?"
                            " ORDER BY id DESC LIMIT ?");
constexpr Sql list_event_sql("SELECT " RESERVATION_COLUMNS
                             " FROM seat_reservation WHERE event_id = ? AND id < ?"
                             " ORDER BY id DESC LIMIT ?");
constexpr Sql list_both_sql("SELECT " RESERVATION_COLUMNS
                            " FROM seat_reservation WHERE user_id = ? AND event_id = ? AND id < ?"
                            " ORDER BY id DESC LIMIT ?");

constexpr Sql due_sql(
    "SELECT id FROM seat_reservation WHERE due_at IS NOT NULL AND due_at <= ? ORDER BY due_at"
    " LIMIT ?");
constexpr Sql next_due_sql("SELECT min(due_at) FROM seat_reservation WHERE due_at IS NOT NULL");
constexpr Sql prune_sql(
    "DELETE FROM seat_reservation WHERE id IN (SELECT id FROM seat_reservation"
    " WHERE released_at IS NOT NULL AND released_at < ? ORDER BY released_at LIMIT ?)",
    "DELETE FROM seat_reservation WHERE released_at IS NOT NULL AND released_at < ?"
    " ORDER BY released_at LIMIT ?");

// Seat ids hold no control characters.
constexpr char separator = '\n';

std::string joined(const std::vector<std::string>& seats) {
    std::string text;
    for (const auto& seat : seats) {
        if (!text.empty()) text += separator;
        text += seat;
    }
    return text;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> seats;
    while (!text.empty()) {
        const auto end = text.find(separator);
        seats.emplace_back(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return seats;
}

Reservation read_reservation(const Rows& row) {
    Reservation reservation;
    reservation.id = row.uuid(0);
    reservation.event_id = row.text(1);
    reservation.user_id = row.text(2);
    reservation.seat_ids = split(row.text(3));
    reservation.total_price = {row.integer(4),
                               Currency::parse(row.text(5)).value_or(Currency::krw())};
    reservation.state = static_cast<State>(row.integer(6));
    reservation.payment_intent_id = row.text(7);
    reservation.created_at = row.instant(8);
    reservation.updated_at = row.instant(9);
    reservation.expires_at = row.instant(10);
    reservation.due_at = row.instant_or_null(11);
    return reservation;
}

Uuid after_all_ids() {
    Uuid id;
    id.bytes.fill(0xFF);
    return id;
}

std::optional<Blob> blob_or_null(const std::string& bytes) {
    if (bytes.empty()) return std::nullopt;
    return Blob{bytes};
}

std::optional<Instant> released_at(const Reservation& reservation) {
    const bool released =
        reservation.state == State::Cancelled || reservation.state == State::Expired;
    return released ? std::optional(reservation.updated_at) : std::nullopt;
}

Rows open_list(store::Snapshot& snapshot, const ReservationFilter& filter, const Uuid& before) {
    if (!filter.user.empty() && !filter.event.empty())
        return snapshot.query(list_both_sql, filter.user, filter.event, before, filter.limit);
    if (!filter.user.empty())
        return snapshot.query(list_user_sql, filter.user, before, filter.limit);
    if (!filter.event.empty())
        return snapshot.query(list_event_sql, filter.event, before, filter.limit);
    return snapshot.query(list_all_sql, before, filter.limit);
}

}  // namespace

void insert_reservation(store::Transaction& tx, const Reservation& r, const HoldKey& key) {
    tx.execute(insert_sql, r.id, r.event_id, r.user_id, joined(r.seat_ids), r.total_price.minor,
               r.total_price.currency.code(), static_cast<int>(r.state), r.payment_intent_id,
               r.created_at, r.updated_at, r.expires_at, r.due_at, blob_or_null(key.digest),
               blob_or_null(key.request_print));
}

std::optional<Reservation> find_reservation(store::Snapshot& snapshot, const Uuid& id) {
    auto rows = snapshot.query(find_sql, id);
    if (!rows.next()) return std::nullopt;
    return read_reservation(rows);
}

std::optional<KeptHold> find_by_key(store::Snapshot& snapshot, const std::string& digest) {
    auto rows = snapshot.query(find_by_key_sql, Blob{digest});
    if (!rows.next()) return std::nullopt;
    return KeptHold{read_reservation(rows), std::string(rows.blob(12))};
}

void update_reservation(store::Transaction& tx, const Reservation& r) {
    tx.execute(update_sql, static_cast<int>(r.state), r.payment_intent_id, r.updated_at, r.due_at,
               released_at(r), r.id);
}

std::vector<Reservation> list_reservations(store::Snapshot& snapshot,
                                           const ReservationFilter& filter) {
    std::vector<Reservation> reservations;
    const Uuid before = filter.before.value_or(after_all_ids());
    auto rows = open_list(snapshot, filter, before);
    while (rows.next()) reservations.push_back(read_reservation(rows));
    return reservations;
}

std::vector<Uuid> due_holds(store::Snapshot& snapshot, Instant now, int limit) {
    std::vector<Uuid> due;
    auto rows = snapshot.query(due_sql, now, limit);
    while (rows.next()) due.push_back(rows.uuid(0));
    return due;
}

std::optional<Instant> next_due_hold(store::Snapshot& snapshot) {
    auto rows = snapshot.query(next_due_sql);
    if (!rows.next()) return std::nullopt;
    return rows.instant_or_null(0);
}

std::int64_t prune_released(store::Transaction& tx, Instant before, int limit) {
    return tx.execute(prune_sql, before, limit);
}

}  // namespace florin::seats
