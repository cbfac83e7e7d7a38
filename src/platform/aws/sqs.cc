#include "platform/aws/sqs.h"

#include <charconv>

#include <boost/json.hpp>

namespace json = boost::json;

namespace florin::aws {
namespace {

constexpr Milliseconds call_deadline{10'000};

std::string text_member(const json::value* value, const char* name) {
    if (value == nullptr || !value->is_object()) return "";
    const json::value* found = value->get_object().if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string())
                                                  : std::string();
}

const json::value* member(const json::value& value, const char* name) {
    return value.is_object() ? value.get_object().if_contains(name) : nullptr;
}

QueueMessage message_of(const json::value& value) {
    QueueMessage message{text_member(&value, "MessageId"), text_member(&value, "ReceiptHandle"),
                         text_member(&value, "Body"), "", 1};
    if (const auto* attributes = member(value, "MessageAttributes"))
        message.trace_id = text_member(member(*attributes, "TraceId"), "StringValue");
    const std::string count = text_member(member(value, "Attributes"), "ApproximateReceiveCount");
    std::from_chars(count.data(), count.data() + count.size(), message.receive_count);
    return message;
}

}  // namespace

Answer<std::vector<QueueMessage>> read_receive_answer(std::string_view text) {
    boost::system::error_code malformed;
    const json::value answer = json::parse(text, malformed);
    if (malformed || !answer.is_object()) {
        return std::unexpected(Failure{Failure::Kind::Unavailable, "",
                                       "ReceiveMessage answered with something that is not JSON"});
    }
    std::vector<QueueMessage> messages;
    const auto* list = member(answer, "Messages");  // left out when there are none
    if (list == nullptr || !list->is_array()) return messages;
    for (const auto& value : list->get_array()) messages.push_back(message_of(value));
    return messages;
}

awaitable<Answer<std::vector<QueueMessage>>> Queue::receive(ReceiveOptions options) {
    const json::object request{{"QueueUrl", url_},
                               {"MaxNumberOfMessages", options.messages_max},
                               {"WaitTimeSeconds", options.wait.count()},
                               {"VisibilityTimeout", options.visibility.count()},
                               {"AttributeNames", json::array{"ApproximateReceiveCount"}},
                               {"MessageAttributeNames", json::array{"TraceId"}}};
    const auto answer = co_await client_.call("ReceiveMessage", json::serialize(request),
                                              options.wait + call_deadline);
    if (!answer) co_return std::unexpected(answer.error());
    co_return read_receive_answer(*answer);
}

awaitable<Answer<void>> Queue::remove(std::string receipt) {
    const json::object request{{"QueueUrl", url_}, {"ReceiptHandle", receipt}};
    auto answer = co_await call_for_nothing("DeleteMessage", json::serialize(request));
    if (!answer && answer.error().code == "ReceiptHandleIsInvalid") co_return Answer<void>();
    co_return answer;
}

awaitable<Answer<void>> Queue::set_visibility(std::string receipt, Seconds visibility) {
    const json::object request{
        {"QueueUrl", url_}, {"ReceiptHandle", receipt}, {"VisibilityTimeout", visibility.count()}};
    co_return co_await call_for_nothing("ChangeMessageVisibility", json::serialize(request));
}

awaitable<Answer<void>> Queue::send(std::string body,
                                    std::vector<std::pair<std::string, std::string>> attributes) {
    json::object request{{"QueueUrl", url_}, {"MessageBody", body}};
    json::object described;
    for (const auto& [name, value] : attributes)
        described[name] = json::object{{"DataType", "String"}, {"StringValue", value}};
    if (!described.empty()) request["MessageAttributes"] = std::move(described);
    co_return co_await call_for_nothing("SendMessage", json::serialize(request));
}

awaitable<Answer<void>> Queue::call_for_nothing(std::string_view operation, std::string body) {
    const auto answer = co_await client_.call(operation, std::move(body), call_deadline);
    if (!answer) co_return std::unexpected(answer.error());
    co_return Answer<void>();
}

}  // namespace florin::aws
