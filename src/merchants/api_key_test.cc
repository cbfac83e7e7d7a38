#include "merchants/api_key.h"

#include <set>

#include <gtest/gtest.h>

#include "merchants/key_cache.h"

namespace florin::merchants {
namespace {

Instant at(int second) {
    return Instant(Seconds(1'700'000'000 + second));
}

TEST(ApiKey, TextsAreLongUrlSafeAndNeverTheSame) {
    std::set<std::string> texts;
    for (int i = 0; i < 1'000; ++i) {
        const std::string text = new_key_text();
        EXPECT_TRUE(has_key_form(text)) << text;
        EXPECT_EQ(text.size(), 47U);
        texts.insert(text);
    }
    EXPECT_EQ(texts.size(), 1'000U);
}

TEST(ApiKey, OtherTextsDoNotHaveTheForm) {
    const std::string right = new_key_text();
    for (const std::string& wrong :
         {std::string(), std::string("flk_"), right + "x", right.substr(1), "FLK" + right.substr(3),
          right.substr(0, 46) + "+", right.substr(0, 46) + " "}) {
        EXPECT_FALSE(has_key_form(wrong)) << wrong;
    }
}

TEST(ApiKey, AHintShowsLittleOfTheText) {
    const std::string text = new_key_text();
    EXPECT_EQ(hint_of_key(text), text.substr(0, 10));
}

TEST(ApiKey, ScopesAreKnownByNameAndStoredAsBits) {
    Scopes scopes;
    EXPECT_TRUE(scopes.empty());
    EXPECT_TRUE(scopes.add_named("refunds:write"));
    EXPECT_TRUE(scopes.add_named("payments:read"));
    EXPECT_FALSE(scopes.add_named("payments:everything"));
    EXPECT_EQ(scopes.names(), (std::vector<std::string_view>{"payments:read", "refunds:write"}));
    EXPECT_EQ(Scopes::from_bits(scopes.bits()), scopes);
    EXPECT_EQ(Scopes::from_bits(0xFF), Scopes::all());
    EXPECT_FALSE(scopes.has(Scope::PaymentsWrite));
}

TEST(ApiKey, ItsStateFollowsItsEnds) {
    ApiKey key;
    key.created_at = at(0);
    EXPECT_EQ(key.state(at(1)), ApiKey::State::Active);
    key.expires_at = at(100);
    EXPECT_EQ(key.state(at(99)), ApiKey::State::Active);
    EXPECT_EQ(key.state(at(100)), ApiKey::State::Expired);
    key.retires_at = at(50);
    EXPECT_EQ(key.state(at(49)), ApiKey::State::Retiring);
    EXPECT_TRUE(key.usable(at(49)));
    EXPECT_EQ(key.ends_at(), at(50));
    EXPECT_FALSE(key.usable(at(50)));
    key.revoked_at = at(10);
    EXPECT_EQ(key.state(at(11)), ApiKey::State::Revoked);
    EXPECT_FALSE(key.usable(at(11)));
}

CachedKey cached(int number) {
    CachedKey made;
    made.key.digest = digest_of_key(std::to_string(number));
    return made;
}

TEST(KeyCache, ForgetsTheLeastUsedAndStaysBounded) {
    KeyCache cache(100);
    for (int i = 0; i < 10'000; ++i) {
        cache.put(cached(i));
        ASSERT_NE(cache.find(cached(0).key.digest), nullptr) << "the one in use stays";
        ASSERT_LE(cache.size(), 100U);
    }
    EXPECT_EQ(cache.find(cached(1).key.digest), nullptr);
    EXPECT_NE(cache.find(cached(9'999).key.digest), nullptr);
}

TEST(KeyCache, KeepsTheLaterUseWhenTheStoreKnowsLess) {
    KeyCache cache(10);
    CachedKey used = cached(1);
    used.key.last_used_at = at(5);
    cache.put(used);
    CachedKey read_again = cached(1);
    read_again.key.name = "new name";
    const CachedKey& kept = cache.put(read_again);
    EXPECT_EQ(kept.key.last_used_at, at(5));
    EXPECT_EQ(kept.key.name, "new name");
}

}  // namespace
}  // namespace florin::merchants
