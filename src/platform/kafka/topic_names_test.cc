#include "platform/kafka/topic_names.h"

#include <gtest/gtest.h>

namespace florin::kafka {
namespace {

TEST(TopicNames, AreTheTypesOfTheEventsByDefault) {
    const TopicNames names;
    EXPECT_EQ(names.topic_of("payment.capture-requested"), "payment.capture-requested");
    EXPECT_EQ(names.dead_letter_topic_of("payment.captured"), "payment.captured.dlq");
}

TEST(TopicNames, FollowTheContracts) {
    const TopicNames payments({.preset = TopicPreset::Payments});
    EXPECT_EQ(payments.topic_of("payment.captured"), "payment.captured");
    EXPECT_EQ(payments.topic_of("order.placed"), "payment.unknown");
    EXPECT_EQ(payments.dead_letter_topic_of("payment.captured"), "payment.dlq");
    const TopicNames commerce({.preset = TopicPreset::Commerce});
    EXPECT_EQ(commerce.topic_of("payment.created"), "koosco.commerce.payment.created");
    EXPECT_EQ(commerce.topic_of("order.placed"), "koosco.commerce.order.placed");
    EXPECT_EQ(commerce.topic_of("stock.low"), "koosco.commerce.stock.low");
    EXPECT_EQ(commerce.topic_of("seat.held"), "koosco.commerce.integration.order");
    EXPECT_EQ(commerce.dead_letter_topic_of("koosco.commerce.order.placed"),
              "koosco.commerce.order.placed-dlt");
}

TEST(TopicNames, AMappingComesBeforeThePreset) {
    const auto mapping = parse_topic_mapping(
        "# ours\n payment.captured = shop.money-in \n\n*=shop.other\r\npayment.voided=shop.other");
    ASSERT_TRUE(mapping) << mapping.error();
    const TopicNames names({.preset = TopicPreset::Commerce,
                            .mapping = *mapping,
                            .dead_letter_suffix = ".dead",
                            .dead_letter_topic = ""});
    EXPECT_EQ(names.topic_of("payment.captured"), "shop.money-in");
    EXPECT_EQ(names.topic_of("payment.refunded"), "shop.other");
    EXPECT_EQ(names.dead_letter_topic_of("shop.other"), "shop.other.dead");
    EXPECT_EQ(names.topics_of({"payment.voided", "payment.captured", "payment.refunded"}),
              (std::vector<std::string>{"shop.other", "shop.money-in"}));
}

TEST(TopicNames, AMappingThatIsWrongIsRefusedByItsLine) {
    EXPECT_EQ(parse_topic_mapping("a = b\nnonsense").error(),
              "line 2 is no \"event type = topic\": nonsense");
    EXPECT_EQ(parse_topic_mapping("a = b\na = c").error(), "line 2 maps a a second time");
    EXPECT_EQ(parse_topic_mapping(" = b").error(), "line 1 names no type");
    EXPECT_NE(parse_topic_mapping("a = b c").error().find("other characters"), std::string::npos);
    EXPECT_NE(parse_topic_mapping("a = ..").error().find("no topic can"), std::string::npos);
    EXPECT_NE(parse_topic_mapping("a = " + std::string(250, 'x')).error().find("249"),
              std::string::npos);
}

}  // namespace
}  // namespace florin::kafka
