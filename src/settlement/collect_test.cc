#include "settlement/collect.h"

#include <limits>

#include <gtest/gtest.h>

namespace florin::settlement {
namespace {

ledger::Walked refund(std::int64_t place, std::int64_t book, std::int64_t amount = 10) {
    return {place, book, place, ledger::Movement::Refund, ledger::refund_entries(amount)};
}

StoredDay day(std::int64_t after, std::int64_t through, std::int64_t books_after = 0) {
    StoredDay stored;
    stored.after_place = after;
    stored.through_place = through;
    stored.books_after = books_after;
    return stored;
}

std::vector<std::int64_t> ids(Collection& collection) {
    std::vector<std::int64_t> found;
    for (const auto& [book, collected] : collection.books()) found.push_back(book);
    return found;
}

TEST(Collection, TakesTheLowestBooksAndLeavesTheRestToTheNext) {
    Collection first(day(0, 8), {}, 2);
    for (std::int64_t place = 1; place <= 8; ++place) first.add(refund(place, 9 - place));
    EXPECT_EQ(ids(first), (std::vector<std::int64_t>{1, 2}));
    EXPECT_TRUE(first.more());
    Collection last(day(0, 8, 6), {}, 2);
    for (std::int64_t place = 1; place <= 8; ++place) last.add(refund(place, 9 - place));
    EXPECT_EQ(ids(last), (std::vector<std::int64_t>{7, 8}));
    EXPECT_FALSE(last.more());
}

TEST(Collection, HasNoBookWithOnlyAPartOfItsPostings) {
    Collection collection(day(0, 6), {}, 2);
    for (const std::int64_t book : {3, 2, 1, 3, 2, 3})
        collection.add(refund(collection.from() + 1, book));
    EXPECT_EQ(ids(collection), (std::vector<std::int64_t>{1, 2}));
    EXPECT_EQ(collection.books().at(2).turnover.refunds.count, 2);
}

TEST(Collection, GoesBackForTheBooksThatAreBehind) {
    Collection collection(day(10, 20), {{4, 5}}, 10);
    EXPECT_EQ(collection.from(), 5);
    for (std::int64_t place = 6; place <= 20; ++place) collection.add(refund(place, place % 2 + 3));
    EXPECT_EQ(collection.books().at(4).turnover.refunds.count, 7) << "places 7, 9 … 19";
    EXPECT_EQ(collection.books().at(3).turnover.refunds.count, 5) << "only this day's";
}

TEST(Collection, CutsABookWhereItsSumsBecomeTooLarge) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    Collection collection(day(0, 4), {}, 10);
    collection.add(refund(1, 1, most));
    collection.add(refund(2, 1, 1));
    collection.add(refund(3, 1, 1));
    const auto& cut = collection.books().at(1);
    EXPECT_EQ(cut.cut_at, 1);
    EXPECT_EQ(cut.turnover.refunds, (Line{1, most}));
}

}  // namespace
}  // namespace florin::settlement
