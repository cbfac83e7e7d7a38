#include "platform/kafka/incoming_record.h"

#include <gtest/gtest.h>

namespace florin::kafka {
namespace {

const TypesOfTopics types = {{"shop.captured", "payment.captured"}};
constexpr const char* id = "0192d4e0-7b2a-7c00-8000-0123456789ab";

IncomingRecord record(std::optional<std::string> value, std::vector<Header> headers = {}) {
    return {"shop.captured", 2, 17, "p-1", std::move(value), std::move(headers), {}};
}

TEST(KafkaIncomingRecord, ACloudEventSaysItsIdAndType) {
    const auto incoming = understand(
        record(std::string(R"({"id":")") + id + R"(","type":"payment.refunded","data":{}})"),
        types);
    EXPECT_FALSE(incoming.poison);
    EXPECT_EQ(incoming.message.topic, "payment.refunded");
    EXPECT_EQ(incoming.message.event_id.text(), id);
    EXPECT_EQ(incoming.message.key, "p-1");
    EXPECT_EQ(incoming.message.position, 17);
}

TEST(KafkaIncomingRecord, WithoutAnEnvelopeTheTopicSaysTheTypeAndTheHeaderTheId) {
    const auto incoming = understand(record(R"({"paymentId":1})", {{"eventId", id}}), types);
    EXPECT_EQ(incoming.message.topic, "payment.captured");
    EXPECT_EQ(incoming.message.event_id.text(), id);
}

TEST(KafkaIncomingRecord, TheHeaderComesBeforeTheEnvelopeUnlessItIsARowNumber) {
    const std::string other = "0192d4e0-7b2a-7c00-8000-ffffffffffff";
    const std::string value = R"({"id":")" + other + R"("})";
    EXPECT_EQ(understand(record(value, {{"id", id}}), types).message.event_id.text(), id);
    EXPECT_EQ(understand(record(value, {{"id", "42"}}), types).message.event_id.text(), other);
}

TEST(KafkaIncomingRecord, AnIdIsTheSameWheneverTheRecordIsReadAndNotThatOfAnother) {
    const auto id_of = [](const IncomingRecord& one) {
        return understand(one, types).message.event_id;
    };
    EXPECT_EQ(id_of(record(R"({"id":"order-7"})")), id_of(record(R"({"id":"order-7"})")));
    EXPECT_NE(id_of(record(R"({"id":"order-7"})")), id_of(record(R"({"id":"order-8"})")));
    EXPECT_EQ(id_of(record("{}")), id_of(record("{}")));
    auto next = record("{}");
    next.offset = 18;
    EXPECT_NE(id_of(record("{}")), id_of(next));
    EXPECT_NE(id_of(record("{}", {{"id", "1"}})), id_of(record("{}", {{"id", "2"}})));
}

TEST(KafkaIncomingRecord, WhatIsNoObjectIsPoison) {
    EXPECT_EQ(understand(record(std::nullopt), types).poison->error_type, "NullValue");
    for (const char* value : {"", "garbage", "[1]", "\"text\"", "{\"a\":", "\xff\xfe"}) {
        const auto incoming = understand(record(value), types);
        ASSERT_TRUE(incoming.poison) << value;
        EXPECT_EQ(incoming.poison->error_type, "MalformedMessage");
        EXPECT_EQ(incoming.message.topic, "payment.captured");
    }
}

}  // namespace
}  // namespace florin::kafka
