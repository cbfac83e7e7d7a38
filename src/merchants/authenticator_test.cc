#include "merchants/authenticator.h"

#include <gtest/gtest.h>

#include "merchants/test_world.h"
#include "platform/http/message.h"

namespace florin::merchants {
namespace {

constexpr std::optional<Denial> passes = std::nullopt;

TEST(Authenticator, AKeySpeaksForItsMerchantWithinItsScopes) {
    TestWorld world;
    CreateKey request{.merchant = "shop-1", .name = "reader", .scopes = {}};
    request.scopes.add(Scope::PaymentsRead);
    const auto issued = world.issue(request);
    EXPECT_EQ(world.check(issued.text, Scope::PaymentsRead), passes);
    EXPECT_EQ(world.check(issued.text, Scope::PaymentsWrite), Denial::MissingScope);
    EXPECT_EQ(world.check(issued.text, Scope::RefundsWrite), Denial::MissingScope);
    EXPECT_EQ(world.get(world.here->merchant_of(issued.text, Scope::PaymentsRead)).value(),
              "shop-1");
}

TEST(Authenticator, RefusesWhatIsNoKey) {
    TestWorld world;
    EXPECT_EQ(world.check(""), Denial::NoKey);
    EXPECT_EQ(world.check("password"), Denial::UnknownKey);
    EXPECT_EQ(world.check(new_key_text()), Denial::UnknownKey);
    EXPECT_EQ(world.here->keys_remembered(), 0U) << "guesses do not fill the memory";
}

TEST(Authenticator, ARevokedKeyIsRefusedAtOnceOnEveryLoopOfTheProcess) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    ASSERT_EQ(world.check(*world.here, issued.text), passes);
    ASSERT_EQ(world.check(*world.elsewhere, issued.text), passes);
    world.revoke(issued.key);
    EXPECT_EQ(world.check(*world.here, issued.text), Denial::Revoked);
    EXPECT_EQ(world.check(*world.elsewhere, issued.text), Denial::Revoked);
}

TEST(Authenticator, ReadsAKeyAgainOnlyAfterSecondsSoAnotherProcessLearnsOfARevocationThen) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    ASSERT_EQ(world.check(*world.another_process, issued.text), passes);
    world.revoke(issued.key);
    world.clock.advance(Authenticator::remembered_for - Microseconds(1));
    EXPECT_EQ(world.check(*world.another_process, issued.text), passes);
    world.clock.advance(Microseconds(1));
    EXPECT_EQ(world.check(*world.another_process, issued.text), Denial::Revoked);
}

TEST(Authenticator, AClockThatGoesBackMakesItLookAgain) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    ASSERT_EQ(world.check(*world.another_process, issued.text), passes);
    world.revoke(issued.key);
    world.clock.advance(-Seconds(3'600));
    EXPECT_EQ(world.check(*world.another_process, issued.text), Denial::Revoked);
}

TEST(Authenticator, ARotatedKeyIsGoodUntilItsGraceEnds) {
    TestWorld world;
    const auto old_key = world.issue("shop-1");
    ASSERT_EQ(world.check(old_key.text), passes);
    const auto rotated = world.rotate(old_key.key, std::chrono::hours(2));
    EXPECT_EQ(world.check(rotated.issued.text), passes);
    world.clock.advance(std::chrono::hours(2) - Microseconds(1));
    EXPECT_EQ(world.check(old_key.text), passes);
    world.clock.advance(Microseconds(1));
    EXPECT_EQ(world.check(old_key.text), Denial::Expired);
    EXPECT_EQ(world.check(rotated.issued.text), passes);
}

TEST(Authenticator, ARotationWithoutGraceEndsTheOldKeyAtOnce) {
    TestWorld world;
    const auto old_key = world.issue("shop-1");
    ASSERT_EQ(world.check(old_key.text), passes);
    world.rotate(old_key.key, std::chrono::hours(0));
    EXPECT_EQ(world.check(old_key.text), Denial::Expired);
}

TEST(Authenticator, AKeyExpiresWhileItIsRemembered) {
    TestWorld world;
    const auto issued =
        world.issue(CreateKey{.merchant = "shop-1", .name = "", .lifetime = std::chrono::days(1)});
    world.clock.advance(std::chrono::days(1) - Seconds(1));
    EXPECT_EQ(world.check(issued.text), passes);
    world.clock.advance(Seconds(1));
    EXPECT_EQ(world.check(issued.text), Denial::Expired);
}

TEST(Authenticator, RecordsUseOnceAMinuteBesideTheRequests) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    EXPECT_EQ(world.stored(issued.key).last_used_at, std::nullopt);
    const double writes = world.writes();
    const Instant first = world.clock.now();
    for (int i = 0; i < 59; ++i) {
        ASSERT_EQ(world.check(issued.text), passes);
        world.clock.advance(Seconds(1));
    }
    EXPECT_EQ(world.writes(), writes + 1);
    EXPECT_EQ(world.stored(issued.key).last_used_at, first);
    world.clock.advance(Seconds(1));
    ASSERT_EQ(world.check(issued.text), passes);
    EXPECT_EQ(world.writes(), writes + 2);
    EXPECT_EQ(world.stored(issued.key).last_used_at, first + Seconds(60));
}

TEST(Authenticator, ARefusedKeyWasNotUsed) {
    TestWorld world;
    CreateKey request{.merchant = "shop-1", .name = "till", .scopes = {}};
    request.scopes.add(Scope::PaymentsWrite);
    const auto issued = world.issue(request);
    const double writes = world.writes();
    EXPECT_EQ(world.check(issued.text, Scope::RefundsWrite), Denial::MissingScope);
    world.revoke(issued.key);
    EXPECT_EQ(world.check(issued.text), Denial::Revoked);
    EXPECT_EQ(world.writes(), writes + 1) << "that of the revocation";
}

TEST(Authenticator, FindsTheKeyInEitherHeader) {
    const auto found = [](std::string name, std::string value) {
        http::Request request;
        request.headers.add(std::move(name), std::move(value));
        return std::string(key_in(request));
    };
    EXPECT_EQ(found("Authorization", "Bearer flk_x"), "flk_x");
    EXPECT_EQ(found("authorization", "bearer   flk_x"), "flk_x");
    EXPECT_EQ(found("X-Api-Key", "flk_x"), "flk_x");
    EXPECT_EQ(found("Authorization", "Bearer "), "");
    EXPECT_EQ(found("Authorization", "Basic Zm9v"), "");
    EXPECT_EQ(found("Authorization", "Bear"), "");
    http::Request both;
    both.headers.add("Authorization", "Basic Zm9v");
    both.headers.add("X-Api-Key", "flk_x");
    EXPECT_EQ(key_in(both), "flk_x") << "a proxy may want Authorization for itself";
}

}  // namespace
}  // namespace florin::merchants
