#include "payments/answer_cache.h"

#include <gtest/gtest.h>

#include "payments/test_world.h"
#include "platform/cache/memory_cache.h"

namespace florin::payments {
namespace {

constexpr store::Sql payments_sql("SELECT count(*) FROM merchant_payment");

class AnswerCacheTest : public ::testing::Test {
protected:
    AnswerCacheTest() { open(answers, world); }

    static void open(AnswerCache& cache, TestWorld& in) {
        in.get(in.store->read([&cache](store::Snapshot& snapshot) {
            cache.open(snapshot);
            return true;
        }));
    }
    static AnswerCache::Question question(const AuthorizePayment& request) {
        return {request.merchant, request.key, request.claim};
    }
    std::optional<Answered> recall(const AuthorizePayment& request) {
        return world.get(world.service->recall(question(request)));
    }

    TestWorld world;
    cache::MemoryCache memory{world.clock};
    telemetry::Metrics metrics;
    AnswerCache answers{memory, world.clock, world.settings.answers_kept, metrics};
};

TEST_F(AnswerCacheTest, AnswersAReplayWordForWordWithoutTheStore) {
    world.service->answer_from(answers);
    for (const char* const merchant : {"m", "remote"}) {
        const auto request = world.authorization(merchant, 1'000, "key");
        EXPECT_FALSE(recall(request));
        const auto first = world.get(world.service->authorize(request));
        ASSERT_TRUE(first);
        const auto again = recall(request);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->replayed);
        EXPECT_EQ(again->answer.status, first->answer.status);
        EXPECT_EQ(again->answer.body, first->answer.body);
    }
}

TEST_F(AnswerCacheTest, NeverAnswersAnotherRequest) {
    world.service->answer_from(answers);
    ASSERT_TRUE(world.get(world.service->authorize(world.authorization("m", 1'000, "key"))));
    const auto other_amount = world.authorization("m", 2'000, "key");
    EXPECT_FALSE(recall(other_amount));
    EXPECT_EQ(world.get(world.service->authorize(other_amount)).error().kind,
              Refused::Kind::KeyUsedForOther);
    EXPECT_TRUE(recall(world.authorization("m", 1'000, "key")));
}

TEST_F(AnswerCacheTest, NamesThatReadTheSameStayApart) {
    world.service->answer_from(answers);
    ASSERT_TRUE(world.get(world.service->authorize(world.authorization("a:b", 1'000, "c"))));
    EXPECT_TRUE(recall(world.authorization("a:b", 1'000, "c")));
    EXPECT_FALSE(recall(world.authorization("a", 1'000, "b:c")));
}

TEST_F(AnswerCacheTest, NeverAnswersForAnotherDatabase) {
    world.service->answer_from(answers);
    const auto request = world.authorization("m", 1'000, "key");
    ASSERT_TRUE(world.get(world.service->authorize(request)));
    TestWorld other;
    AnswerCache of_other(memory, other.clock, world.settings.answers_kept, metrics);
    EXPECT_FALSE(other.get(of_other.find(question(request)))) << "not opened";
    open(of_other, other);
    EXPECT_FALSE(other.get(of_other.find(question(request))));
    EXPECT_TRUE(recall(request));
}

TEST_F(AnswerCacheTest, KeepsNothingThatWasNotStored) {
    world.service->answer_from(answers);
    world.fake->answers.push_back(Unknown{Unknown::Kind::Fault, "down"});
    EXPECT_FALSE(world.get(world.service->authorize(world.authorization("remote", 1'000, "key"))));
    EXPECT_EQ(memory.size(), 0U);
}

TEST_F(AnswerCacheTest, LearnsFromReplaysThatTheStoreAnswersAndForgetsWithIt) {
    const auto request = world.authorization("m", 1'000, "key");
    ASSERT_TRUE(world.get(world.service->authorize(request)));
    world.clock.advance(world.settings.answers_kept - Milliseconds(5));
    world.service->answer_from(answers);
    ASSERT_TRUE(world.get(world.service->authorize(request))->replayed);
    EXPECT_TRUE(recall(request));
    world.clock.advance(Milliseconds(10));
    EXPECT_FALSE(recall(request));
    EXPECT_EQ(world.count(payments_sql), 1);
}

TEST_F(AnswerCacheTest, TakesABrokenEntryForNone) {
    world.service->answer_from(answers);
    const auto request = world.authorization("m", 1'000, "key");
    const auto first = world.get(world.service->authorize(request));
    const std::string name = "idem:authorize:m:key";
    const auto entry = world.get(memory.find(name));
    ASSERT_TRUE(entry);
    const std::string seal = entry->substr(0, entry->find('\n') - 3);
    for (const std::string& broken :
         {std::string(), std::string("1"), entry->substr(0, entry->size() - 1), seal, seal + "200",
          seal + "200\n", seal + "20\n{}", seal + "2000\n{}", seal + "-20\n{}",
          "2" + entry->substr(1), std::string("{\"paymentId\":1}")}) {
        memory.keep(name, broken, Milliseconds(1'000));
        EXPECT_FALSE(recall(request)) << broken;
        EXPECT_EQ(world.get(world.service->authorize(request))->answer.body, first->answer.body);
    }
    EXPECT_TRUE(recall(request)) << "the store's answer has mended it";
}

}  // namespace
}  // namespace florin::payments
