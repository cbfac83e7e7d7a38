#include "platform/kafka/outbox_table.h"

#include <string>
#include <string_view>

#include "platform/base/time_text.h"

namespace florin::kafka {
namespace {

constexpr store::Sql insert_row(
    "INSERT INTO payment_outbox (id, aggregate_id, aggregate_type, event_type, payload, created_at,"
    " topic, partition_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

constexpr std::string_view aggregate_type = "Payment";

// Looks at no more rows than it may delete.
constexpr store::Sql delete_old(
    "DELETE FROM payment_outbox WHERE seq IN"
    " (SELECT seq FROM payment_outbox ORDER BY seq LIMIT ?) AND created_at < ?",
    "DELETE o FROM payment_outbox o JOIN"
    " (SELECT seq FROM payment_outbox ORDER BY seq LIMIT ?) oldest"
    " ON oldest.seq = o.seq WHERE o.created_at < ?");

// Twice as many as are filed meanwhile: however many there are, they become fewer.
constexpr std::int64_t delete_every = 256;
constexpr int delete_rows_max = 512;

/// "2026-11-21T12:00:00.123", in UTC as Debezium reads it: Kafka's times have no more digits.
std::string date_time(Instant at) {
    std::string text = time_text(at);
    text.pop_back();  // the Z
    return text;
}

}  // namespace

broker::Handled OutboxTable::handle(store::Transaction& tx, const broker::Message& message) {
    const Record record = record_of(message, options_);
    tx.execute(insert_row, message.event_id.text(), message.key, aggregate_type, message.topic,
               record.value, date_time(record.at), record.topic, record.key);
    if (filed_++ % delete_every == 0) {
        tx.execute(delete_old, delete_rows_max, date_time(message.at - keep));
    }
    return broker::Handled::done();
}

}  // namespace florin::kafka
