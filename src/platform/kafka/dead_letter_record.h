#pragma once

#include <string>

#include "platform/kafka/incoming_record.h"
#include "platform/kafka/message_batch.h"

namespace florin::kafka {

/// The record of a topic for dead letters: key, value and headers as they came, and in further
/// headers `dlq-original-topic`, `-partition`, `-offset`, `dlq-group`, `dlq-error-type`,
/// `dlq-error-message`, `dlq-attempts` and `dlq-time`. With `envelope` its value tells all that as
/// a JSON object, as consumers of payment.dlq expect it.
Record dead_letter_record(const IncomingRecord& original, const FailedMessage& failed,
                          std::string topic, std::string_view group, Instant now, bool envelope);

}  // namespace florin::kafka
