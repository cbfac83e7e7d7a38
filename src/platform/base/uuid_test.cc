#include "platform/base/uuid.h"

#include <gtest/gtest.h>

#include "platform/base/manual_clock.h"

namespace florin {
namespace {

TEST(Uuid, TextAndBytesAreTheSameId) {
    const auto id = parse_uuid("0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10");
    ASSERT_TRUE(id);
    EXPECT_EQ(id->text(), "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f10");
    EXPECT_EQ(uuid_from_bytes(id->view()), *id);
    EXPECT_EQ(parse_uuid("0192F0C1-2B3C-7D4E-8F5A-6B7C8D9E0F10"), id);
}

TEST(Uuid, RefusesEverythingButTheCanonicalForm) {
    for (const char* text :
         {"", "pay-xxx", "0192f0c12b3c7d4e8f5a6b7c8d9e0f10", "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1g",
          "0192f0c1-2b3c-7d4e-8f5a6-b7c8d9e0f10", "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f100"}) {
        EXPECT_FALSE(parse_uuid(text)) << text;
    }
}

TEST(UuidGenerator, IdsAscendEvenWhenTheClockStandsStillOrGoesBack) {
    ManualClock clock;
    UuidGenerator ids(clock, 1);
    Uuid last = ids.next();
    for (int i = 0; i < 20'000; ++i) {
        if (i % 3'000 == 0) clock.advance(i % 2 == 0 ? Milliseconds(1) : Milliseconds(-5));
        const Uuid id = ids.next();
        ASSERT_LT(last, id) << i;
        last = id;
    }
}

TEST(UuidGenerator, IdsCarryVersionVariantAndTime) {
    ManualClock clock;
    UuidGenerator ids(clock, 7);
    const Uuid id = ids.next();
    EXPECT_EQ(id.bytes[6] >> 4U, 7);
    EXPECT_EQ(id.bytes[8] >> 6U, 2);
    EXPECT_EQ(time_of(id), clock.now());
    EXPECT_LE(first_uuid_at(clock.now()), id);
    EXPECT_LT(id, first_uuid_at(clock.now() + Milliseconds(1)));
}

}  // namespace
}  // namespace florin
