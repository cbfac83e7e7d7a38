#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "platform/aws/client.h"
#include "platform/base/time.h"
#include "platform/runtime/awaitable.h"

namespace florin::aws {

/// One delivery of a message. While its visibility lasts nobody else gets it; the receipt is good
/// for this delivery.
struct QueueMessage {
    std::string id;
    std::string receipt;
    std::string body;
    std::string trace_id;   // the message attribute TraceId; empty: none
    int receive_count = 1;  // this delivery included
};

struct ReceiveOptions {
    int messages_max = 10;  // 1 to 10
    Seconds wait{20};       // for the first message: 0 to 20
    Seconds visibility{60};
};

/// A queue of SQS. The calls' deadlines are their own. On one loop.
class Queue {
public:
    /// `client` speaks to `sqs_service` and outlives this object.
    Queue(Client& client, std::string url) : client_(client), url_(std::move(url)) {}

    [[nodiscard]] const std::string& url() const { return url_; }

    awaitable<Answer<std::vector<QueueMessage>>> receive(ReceiveOptions options);
    /// The message is done. Deleting one that is gone is no failure.
    awaitable<Answer<void>> remove(std::string receipt);
    /// From now on the delivery lasts so long; 0: somebody else may have it at once.
    awaitable<Answer<void>> set_visibility(std::string receipt, Seconds visibility);
    /// Puts a message into the queue, with text attributes: names and values.
    awaitable<Answer<void>> send(std::string body,
                                 std::vector<std::pair<std::string, std::string>> attributes);

private:
    awaitable<Answer<void>> call_for_nothing(std::string_view operation, std::string body);

    Client& client_;
    const std::string url_;
};

// The part that only reads.
Answer<std::vector<QueueMessage>> read_receive_answer(std::string_view json);

}  // namespace florin::aws
