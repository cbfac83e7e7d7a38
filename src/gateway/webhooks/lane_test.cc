#include "gateway/webhooks/lane.h"

#include <gtest/gtest.h>

namespace florin::gateway {
namespace {

const Instant now = instant_from_unix_us(1'700'000'000'000'000);

WebhookDelivery delivery(int number, int attempts = 0) {
    WebhookDelivery made;
    made.id.bytes[15] = static_cast<std::uint8_t>(number);
    made.attempts = attempts;
    made.due_at = now;
    return made;
}

int number_of(const std::optional<WebhookDelivery>& given) {
    return given ? given->id.bytes[15] : 0;
}

LaneContent content(std::initializer_list<int> numbers,
                    std::optional<Instant> next_due = std::nullopt) {
    LaneContent made;
    for (const auto number : numbers) made.due.push_back(delivery(number));
    made.next_due = next_due;
    return made;
}

struct LaneTest : testing::Test {
    /// Sends the next delivery and stores its result.
    int deliver() {
        const auto next = lane.start_next();
        if (!next) return 0;
        lane.attempt_ended(true);
        lane.result_stored(next->id);
        return number_of(next);
    }
    void start_reading() {
        lane.read_at(now);
        ASSERT_TRUE(lane.begin_reading(now));
    }

    LaneGauges gauges;
    Lane lane{{2, 4}, gauges};
};

TEST_F(LaneTest, StartsDeliveriesInOrderUpToItsConcurrency) {
    for (const int number : {1, 2, 3}) lane.offer(delivery(number), now);
    EXPECT_EQ(number_of(lane.start_next()), 1);
    EXPECT_EQ(number_of(lane.start_next()), 2);
    EXPECT_FALSE(lane.start_next());
    EXPECT_EQ(gauges.under_way, 2);
    EXPECT_EQ(gauges.queued, 1);
    lane.attempt_ended(true);
    EXPECT_EQ(number_of(lane.start_next()), 3);
}

TEST_F(LaneTest, LeavesWhatDoesNotFitInTheStoreAndReadsItWhenThereIsRoom) {
    for (const int number : {1, 2, 3, 4, 5, 6}) lane.offer(delivery(number), now);
    EXPECT_EQ(lane.queued(), 4U);
    EXPECT_FALSE(lane.begin_reading(now));
    for (const int number : {1, 2, 3}) EXPECT_EQ(deliver(), number);
    ASSERT_TRUE(lane.begin_reading(now));
    lane.reading_ended(content({4, 5, 6}));
    for (const int number : {4, 5, 6}) EXPECT_EQ(deliver(), number);
    EXPECT_TRUE(lane.idle());
}

TEST_F(LaneTest, ReadsAgainAfterAReadingThatFilledUp) {
    start_reading();
    ASSERT_EQ(lane.reading_limit(), 4);
    lane.reading_ended(content({1, 2, 3, 4}));
    EXPECT_FALSE(lane.idle());
    for (const int number : {1, 2, 3}) EXPECT_EQ(deliver(), number);
    EXPECT_TRUE(lane.begin_reading(now));
}

TEST_F(LaneTest, NeverTakesADeliveryUpTwice) {
    lane.offer(delivery(1), now);
    const auto sending = lane.start_next();
    lane.offer(delivery(2), now);
    start_reading();
    lane.reading_ended(content({1, 2, 3}));
    EXPECT_EQ(number_of(lane.start_next()), 2);
    lane.attempt_ended(true);
    EXPECT_EQ(number_of(lane.start_next()), 3);
    lane.attempt_ended(true);
    EXPECT_FALSE(lane.start_next());
}

TEST_F(LaneTest, LeavesOutWhatWasStoredWhileItsReadingRan) {
    lane.offer(delivery(1), now);
    start_reading();
    EXPECT_EQ(deliver(), 1);
    lane.reading_ended(content({1}));
    EXPECT_EQ(lane.queued(), 0U);
}

TEST_F(LaneTest, LeavesOutALateOfferOfWhatAReadingBroughtBefore) {
    start_reading();
    lane.reading_ended(content({1}));
    EXPECT_EQ(deliver(), 1);
    lane.offer(delivery(1), now);
    EXPECT_EQ(lane.queued(), 0U);
    lane.offer(delivery(1, 1), now);  // sent again by hand
    EXPECT_EQ(lane.queued(), 1U);
}

TEST_F(LaneTest, KeepsWhatIsOfferedWhileItReads) {
    start_reading();
    lane.offer(delivery(2), now);
    lane.reading_ended(content({1}));
    EXPECT_EQ(deliver(), 1);
    EXPECT_EQ(deliver(), 2);
    EXPECT_TRUE(lane.idle());
}

TEST_F(LaneTest, ReadsOnceMoreWhenMoreWasOfferedWhileItReadThanItHolds) {
    start_reading();
    for (const int number : {1, 2, 3, 4, 5}) lane.offer(delivery(number), now);
    lane.reading_ended(content({}));
    for (const int number : {1, 2, 3, 4}) EXPECT_EQ(deliver(), number);
    ASSERT_TRUE(lane.begin_reading(now));
    lane.reading_ended(content({5}));
    EXPECT_EQ(deliver(), 5);
}

TEST_F(LaneTest, LooksAgainForADeliverySentAgainWhileItsLastResultIsOnItsWay) {
    lane.offer(delivery(1), now);
    const auto sending = lane.start_next();
    lane.attempt_ended(true);
    lane.offer(delivery(1, 1), now);
    lane.result_stored(sending->id);
    ASSERT_TRUE(lane.wakes_at());
    EXPECT_FALSE(lane.begin_reading(now));
    ASSERT_TRUE(lane.begin_reading(*lane.wakes_at()));
    lane.reading_ended(content({1}));
    EXPECT_EQ(deliver(), 1);
}

TEST_F(LaneTest, GivesAFailingReceiverOneAttemptAtATimeUntilItIsBack) {
    for (int number = 1; number <= 10; ++number) {
        lane.offer(delivery(number), now);
        const auto next = lane.start_next();
        ASSERT_TRUE(next) << number;
        lane.attempt_ended(false);
        lane.result_stored(next->id);
    }
    EXPECT_TRUE(lane.failing());
    EXPECT_EQ(gauges.failing, 1);
    for (const int number : {11, 12, 13}) lane.offer(delivery(number), now);
    EXPECT_TRUE(lane.start_next());
    EXPECT_FALSE(lane.start_next());
    lane.attempt_ended(true);
    EXPECT_EQ(gauges.failing, 0);
    EXPECT_TRUE(lane.start_next());
    EXPECT_TRUE(lane.start_next());
}

TEST_F(LaneTest, WakesForTheEarliestOfItsRetries) {
    lane.read_at(now + Seconds(5));
    lane.read_at(now + Seconds(2));
    EXPECT_EQ(lane.wakes_at(), now + Seconds(2));
    EXPECT_FALSE(lane.begin_reading(now + Seconds(1)));
    EXPECT_TRUE(lane.begin_reading(now + Seconds(2)));
    EXPECT_FALSE(lane.wakes_at());
    lane.reading_ended(content({}, now + Seconds(5)));
    EXPECT_EQ(lane.wakes_at(), now + Seconds(5));
}

TEST_F(LaneTest, TriesAFailedReadingAgainLaterAndKeepsItsOffers) {
    start_reading();
    lane.offer(delivery(1), now);
    lane.reading_failed(now + Milliseconds(500));
    EXPECT_EQ(deliver(), 1);
    EXPECT_EQ(lane.wakes_at(), now + Milliseconds(500));
}

}  // namespace
}  // namespace florin::gateway
