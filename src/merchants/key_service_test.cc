#include "merchants/key_service.h"

#include <gtest/gtest.h>

#include "merchants/test_world.h"

namespace florin::merchants {
namespace {

using std::chrono::days;
using std::chrono::hours;

TEST(KeyService, StoresADigestAndAHintButNotTheText) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    const ApiKey stored = world.stored(issued.key);
    EXPECT_EQ(stored.digest, digest_of_key(issued.text));
    EXPECT_EQ(stored.hint, issued.text.substr(0, 10));
    EXPECT_EQ(stored.merchant, "shop-1");
    EXPECT_EQ(stored.name, "till");
    EXPECT_EQ(stored.scopes, Scopes::all());
    EXPECT_EQ(stored.created_at, world.clock.now());
    EXPECT_EQ(stored.expires_at, std::nullopt);
}

TEST(KeyService, ARotatedKeyInheritsNameScopesAndLifetime) {
    TestWorld world;
    CreateKey request{.merchant = "shop-1", .name = "till 4", .scopes = {}, .lifetime = days(90)};
    request.scopes.add(Scope::RefundsWrite);
    const auto first = world.issue(request);
    world.clock.advance(days(80));
    const auto rotated = world.rotate(first.key);
    const ApiKey& fresh = rotated.issued.key;
    EXPECT_EQ(fresh.name, "till 4");
    EXPECT_EQ(fresh.scopes, request.scopes);
    EXPECT_EQ(fresh.expires_at, world.clock.now() + days(90));
    EXPECT_EQ(rotated.previous.retires_at, world.clock.now() + hours(24));
    EXPECT_EQ(world.stored(first.key).state(world.clock.now()), ApiKey::State::Retiring);
    EXPECT_EQ(world.stored(fresh).digest, digest_of_key(rotated.issued.text));
}

TEST(KeyService, ASecondRotationGivesNoMoreTime) {
    TestWorld world;
    const auto first = world.issue("shop-1");
    const Instant end = world.rotate(first.key, hours(2)).previous.retires_at.value();
    world.clock.advance(hours(1));
    EXPECT_EQ(world.rotate(first.key, hours(24)).previous.retires_at, end);
    EXPECT_EQ(world.rotate(first.key, hours(0)).previous.retires_at, world.clock.now());
}

TEST(KeyService, OnlyUsableKeysAreRotated) {
    TestWorld world;
    const auto revoked = world.issue("shop-1");
    world.revoke(revoked.key);
    const auto expired =
        world.issue(CreateKey{.merchant = "shop-1", .name = "", .lifetime = days(1)});
    world.clock.advance(days(1));
    for (const auto& issued : {revoked, expired}) {
        const auto answer = world.get(world.service->rotate("shop-1", issued.key.id, hours(1)));
        EXPECT_EQ(answer.error(), KeyRefusal::NotUsable);
    }
}

TEST(KeyService, RevokingTwiceKeepsTheFirstTime) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    const Instant first = world.revoke(issued.key).revoked_at.value();
    world.clock.advance(hours(1));
    EXPECT_EQ(world.revoke(issued.key).revoked_at, first);
}

TEST(KeyService, KeysOfOthersAreNotFound) {
    TestWorld world;
    const auto issued = world.issue("shop-1");
    EXPECT_EQ(world.get(world.service->revoke("shop-2", issued.key.id)).error(),
              KeyRefusal::NotFound);
    EXPECT_EQ(world.get(world.service->rotate("shop-2", issued.key.id, hours(1))).error(),
              KeyRefusal::NotFound);
    EXPECT_EQ(world.get(world.service->revoke("shop-1", Uuid{})).error(), KeyRefusal::NotFound);
    EXPECT_EQ(world.stored(issued.key).revoked_at, std::nullopt);
}

TEST(KeyService, AMerchantHasSoManyKeysAndRevokingMakesRoom) {
    TestWorld world;
    IssuedKey last;
    for (std::int64_t i = 0; i < KeyService::usable_keys_max; ++i) last = world.issue("shop-1");
    const auto create = [&](std::string merchant) {
        return world.get(
            world.service->create(CreateKey{.merchant = std::move(merchant), .name = ""}));
    };
    EXPECT_EQ(create("shop-1").error(), KeyRefusal::TooMany);
    EXPECT_EQ(world.get(world.service->rotate("shop-1", last.key.id, hours(1))).error(),
              KeyRefusal::TooMany);
    EXPECT_EQ(world.stored(last.key).retires_at, std::nullopt) << "a refusal leaves no trace";
    EXPECT_TRUE(create("shop-2").has_value());
    EXPECT_TRUE(world.get(world.service->rotate("shop-1", last.key.id, hours(0))).has_value());
    EXPECT_EQ(create("shop-1").error(), KeyRefusal::TooMany);
    KeyFilter newest;
    newest.merchant = "shop-1";
    newest.limit = 1;
    world.revoke(world.get(world.service->list(newest)).front());
    EXPECT_TRUE(create("shop-1").has_value());
}

TEST(KeyService, ListsNewestFirstByPagesOfOneMerchantOrAll) {
    TestWorld world;
    std::vector<std::string> all;
    for (int i = 0; i < 5; ++i) {
        all.insert(all.begin(), world.issue(i % 2 == 0 ? "shop-1" : "shop-2").key.id.text());
    }
    KeyFilter filter;
    filter.limit = 2;
    std::vector<std::string> seen;
    for (;;) {
        const auto page = world.get(world.service->list(filter));
        if (page.empty()) break;
        for (const auto& key : page) seen.push_back(key.id.text());
        filter.before = page.back().id;
    }
    EXPECT_EQ(seen, all);
    KeyFilter of_one;
    of_one.merchant = "shop-2";
    EXPECT_EQ(world.get(world.service->list(of_one)).size(), 2U);
}

}  // namespace
}  // namespace florin::merchants
