#include "settlement/comparison.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "platform/base/random.h"

namespace florin::settlement {
namespace {

using payments::State;
using Standing = GatewayRecord::Standing;

const Instant day_begin = instant_from_unix_us(1'700'000'000'000'000);
const Instant day_end = day_begin + std::chrono::hours(24);

Uuid id_at(Instant at, std::uint64_t number) {
    Uuid id = first_uuid_at(at);
    for (int i = 0; i < 6; ++i)
        id.bytes[10 + static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (8 * i));
    return id;
}

OurRecord ours(Uuid id, std::int64_t amount, State state) {
    return {id, "ref", {amount, Currency::krw()}, state};
}
GatewayRecord theirs(Uuid id, std::int64_t amount, Standing standing) {
    return {"pay-" + id.text(), id, {amount, Currency::krw()}, standing, time_of(id) + Seconds(1)};
}

TEST(Comparison, KnowsWhatAGatewayShouldSayOfEveryState) {
    struct Case {
        State ours;
        Agreement open, paid, given_back, failed, nothing;
    };
    using enum Agreement;
    const Case cases[] = {
        {State::Ready, UnderWay, UnderWay, UnderWay, UnderWay, UnderWay},
        {State::Authorized, Differ, Match, Differ, Differ, Differ},
        {State::AuthFailed, Differ, Differ, Differ, Match, Match},
        {State::CaptureRequested, Differ, UnderWay, UnderWay, Differ, Differ},
        {State::Captured, Differ, Match, Differ, Differ, Differ},
        {State::CaptureFailed, Differ, Match, Differ, Differ, Differ},
        {State::RefundRequested, Differ, UnderWay, UnderWay, Differ, Differ},
        {State::PartiallyRefunded, Differ, Match, Differ, Differ, Differ},
        {State::Refunded, Differ, Differ, Match, Differ, Differ},
        {State::RefundFailed, Differ, Match, Differ, Differ, Differ},
        {State::VoidRequested, Differ, UnderWay, UnderWay, Differ, Differ},
        {State::Voided, Differ, Differ, Match, Differ, Differ},
    };
    const Uuid id = id_at(day_begin, 1);
    for (const auto& c : cases) {
        SCOPED_TRACE(payments::name_of(c.ours));
        const auto told = [&](Standing standing) {
            return compare(ours(id, 100, c.ours), theirs(id, 100, standing));
        };
        EXPECT_EQ(told(Standing::Open), c.open);
        EXPECT_EQ(told(Standing::Paid), c.paid);
        EXPECT_EQ(told(Standing::GivenBack), c.given_back);
        EXPECT_EQ(told(Standing::Failed), c.failed);
        EXPECT_EQ(without_record(c.ours), c.nothing);
    }
    EXPECT_EQ(compare(ours(id, 100, State::Captured), theirs(id, 101, Standing::Paid)), Differ);
}

TEST(Comparison, NamesWhatOneSideLacksAndWhatTheyTellDifferently) {
    ComparisonReport report;
    Comparison comparison(day_begin, day_end, report);
    const Uuid both = id_at(day_begin + Seconds(10), 1);
    const Uuid here = id_at(day_begin + Seconds(20), 2);
    const Uuid there = id_at(day_begin + Seconds(30), 3);
    const Uuid differs = id_at(day_begin + Seconds(40), 4);
    comparison.add({ours(both, 100, State::Captured), ours(here, 200, State::Captured),
                    ours(differs, 300, State::Refunded)},
                   Instant::min());
    comparison.add({theirs(both, 100, Standing::Paid), theirs(there, 400, Standing::Paid),
                    theirs(differs, 300, Standing::Paid)},
                   Instant::min());
    EXPECT_EQ(comparison.next(), Comparison::Side::Neither);
    EXPECT_EQ(report.matched, 1);
    ASSERT_EQ(report.missing_here.count, 1);
    EXPECT_EQ(report.missing_here.told[0].reference, "pay-" + there.text());
    ASSERT_EQ(report.missing_there.count, 1);
    EXPECT_EQ(report.missing_there.told[0].payment, here);
    ASSERT_EQ(report.differing.count, 1);
    EXPECT_EQ(report.differing.told[0].here, "300 KRW REFUNDED");
    EXPECT_EQ(report.differing.told[0].there, "300 KRW PAID");
    EXPECT_FALSE(report.all_well());
}

TEST(Comparison, APaymentThatTheGatewayTookTwiceIsMissingHereOnce) {
    const Uuid id = id_at(day_begin + Seconds(10), 1);
    for (const bool ours_first : {true, false}) {
        ComparisonReport report;
        Comparison comparison(day_begin, day_end, report);
        const std::vector<GatewayRecord> twice = {theirs(id, 100, Standing::Paid),
                                                  theirs(id, 100, Standing::Paid)};
        if (!ours_first) comparison.add(twice, Instant::min());
        comparison.add({ours(id, 100, State::Captured)}, Instant::min());
        if (ours_first) comparison.add(twice, Instant::min());
        EXPECT_EQ(report.matched, 1);
        EXPECT_EQ(report.missing_here.count, 1);
    }
}

TEST(Comparison, ARecordThatNamesNoPaymentOfOursIsMissingHereOnItsDay) {
    ComparisonReport report;
    Comparison comparison(day_begin, day_end, report);
    GatewayRecord foreign{"pay-1", std::nullopt, {100, Currency::krw()}, Standing::Paid, day_begin};
    GatewayRecord tomorrow = foreign;
    tomorrow.at = day_end;
    GatewayRecord random = foreign;
    random.payment = parse_uuid("f47ac10b-58cc-4372-a567-0e02b2c3d479");
    comparison.add({tomorrow, foreign, random}, Instant::min());
    EXPECT_EQ(report.missing_here.count, 2);
}

TEST(Comparison, AsksFirstForWhatIsLessFar) {
    ComparisonReport report;
    Comparison comparison(day_begin, day_end, report);
    comparison.add(std::vector<OurRecord>(), day_begin + Seconds(500));
    EXPECT_EQ(comparison.next(), Comparison::Side::Theirs);
    comparison.add(std::vector<GatewayRecord>(), day_begin + Seconds(400));
    EXPECT_EQ(comparison.next(), Comparison::Side::Ours);
    comparison.add(std::vector<OurRecord>(), Instant::min());
    EXPECT_EQ(comparison.next(), Comparison::Side::Theirs);
    comparison.add(std::vector<GatewayRecord>(), day_begin - Seconds(301));
    EXPECT_EQ(comparison.next(), Comparison::Side::Neither);
}

/// Two sides that differ at random, and what a comparison of them should find.
struct Sides {
    std::vector<OurRecord> ours;
    std::vector<GatewayRecord> theirs;
    std::int64_t matched = 0;
    std::set<Uuid> missing_here, missing_there, differing;
};

Sides random_sides(Random& random, int payments) {
    Sides sides;
    for (int i = 0; i < payments; ++i) {
        const auto offset = static_cast<std::int64_t>(random.next() % (28 * 3'600)) - 2 * 3'600;
        const Instant at = day_begin + Seconds(offset);
        const Uuid id = id_at(at, random.next());
        const bool counts = at >= day_begin && at < day_end;
        OurRecord here = ours(id, 100, State::Captured);
        GatewayRecord there = theirs(id, 100, Standing::Paid);
        // Most are recorded at once, some after many attempts.
        there.at = at + Seconds(static_cast<std::int64_t>(
                            random.next() % 20 == 0 ? random.next() % 7'200 : random.next() % 3));
        switch (random.next() % 8) {
            case 0:
                sides.theirs.push_back(there);
                if (counts) sides.missing_here.insert(id);
                break;
            case 1:
                sides.ours.push_back(here);
                if (counts) sides.missing_there.insert(id);
                break;
            case 2:
                there.amount.minor = 90;
                sides.ours.push_back(here);
                sides.theirs.push_back(there);
                if (counts) sides.differing.insert(id);
                break;
            default:
                sides.ours.push_back(here);
                sides.theirs.push_back(there);
                if (counts) ++sides.matched;
        }
    }
    std::ranges::sort(sides.ours, std::greater<>(), &OurRecord::payment);
    std::ranges::sort(sides.theirs, std::greater<>(), &GatewayRecord::at);
    return sides;
}

/// Takes up to `most` off the front.
template <class T>
std::vector<T> page_of(std::vector<T>& all, std::size_t most) {
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
    std::vector<T> page(all.begin(), end);
    all.erase(all.begin(), end);
    return page;
}

TEST(Comparison, FindsPageByPageWhatASlowComparisonOfAllFinds) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Sides sides = random_sides(random, 1'000);
        ComparisonReport report;
        Comparison comparison(day_begin, day_end, report);
        std::size_t held_max = 0;
        for (auto side = comparison.next(); side != Comparison::Side::Neither;
             side = comparison.next()) {
            const std::size_t most = random.next() % 20 + 1;
            if (side == Comparison::Side::Ours) {
                auto page = page_of(sides.ours, most);
                const Instant reached =
                    sides.ours.empty() ? Instant::min() : time_of(page.back().payment);
                comparison.add(std::move(page), reached);
            } else {
                auto page = page_of(sides.theirs, most);
                const Instant reached = sides.theirs.empty() ? Instant::min() : page.back().at;
                comparison.add(std::move(page), reached);
            }
            held_max = std::max(held_max, comparison.held());
        }
        const auto ids = [](const auto& told) {
            std::set<Uuid> found;
            for (const auto& one : told) found.insert(std::optional<Uuid>(one.payment).value());
            return found;
        };
        EXPECT_EQ(comparison.held(), 0U);
        EXPECT_LT(held_max, 100U) << "a page and what is late, not the day";
        EXPECT_EQ(report.matched, sides.matched);
        EXPECT_EQ(ids(report.missing_here.told), sides.missing_here);
        EXPECT_EQ(ids(report.missing_there.told), sides.missing_there);
        EXPECT_EQ(ids(report.differing.told), sides.differing);
    }
}

}  // namespace
}  // namespace florin::settlement
