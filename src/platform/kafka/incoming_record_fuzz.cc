#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/base/require.h"
#include "platform/kafka/incoming_record.h"
#include "platform/kafka/topic_names.h"

// The first byte says what the rest is: a record's value, its header `id`, or a mapping of topics.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    florin::kafka::IncomingRecord record{"topic", 0, 7, "key", "{}", {}, {}};
    switch (data[0] % 3) {
        case 0:
            record.value = text;
            break;
        case 1:
            record.headers = {{"id", text}};
            break;
        default:
            static_cast<void>(florin::kafka::parse_topic_mapping(text));
            return 0;
    }
    const auto once = florin::kafka::understand(record, {});
    const auto again = florin::kafka::understand(record, {});
    florin::require(once.message.event_id == again.message.event_id,
                    "a record has the same id whenever it is read");
    return 0;
}
