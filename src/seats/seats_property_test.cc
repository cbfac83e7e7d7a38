// Random commands, many of them at once, over a real store; after each round every seat is looked
// at.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "platform/base/random.h"
#include "platform/store/store_test_support.h"
#include "seats/test_world.h"

namespace florin::seats {
namespace {

constexpr int rounds = 40;
constexpr int commands_at_once = 24;

/// What clients were told, and what must follow from it.
class Swarm {
public:
    explicit Swarm(std::uint64_t seed) : random_(seed) {}

    void round() {
        world_.run(all_at_once());
        if (below(4) == 0) world_.advance(Seconds(below(400)));
        if (below(10) == 0) world_.restart();
        check();
    }

private:
    struct Told {
        Reservation reservation;
        bool sold = false;      // somebody was told so
        bool released = false;  // somebody was told so
    };

    int below(int limit) { return static_cast<int>(random_.next() % static_cast<unsigned>(limit)); }

    awaitable<void> all_at_once() {
        under_way_ = commands_at_once;
        for (int i = 0; i < commands_at_once; ++i)
            runtime::spawn(runtime::Loop::current(), "client", client());
        const bool ended = co_await store::eventually([this] { return under_way_ == 0; });
        EXPECT_TRUE(ended);
    }

    awaitable<void> client() {
        if (told_.empty() || below(2) == 0) {
            co_await hold();
        } else if (below(6) == 0) {
            co_await world_.expiry->expire_due();
        } else {
            co_await change();
        }
        --under_way_;
    }

    awaitable<void> hold() {
        auto request = TestWorld::request({}, "user-" + std::to_string(below(3)));
        if (below(2) == 0) {
            request.quantity = 1 + below(3);
        } else {
            std::set<std::string> seats;
            for (int i = 0; i <= below(3); ++i) seats.insert(std::to_string(1 + below(10)));
            request.seat_ids.assign(seats.begin(), seats.end());
        }
        request.hold_for = Seconds(1 + below(600));
        const auto held = co_await world_.service->hold(std::move(request));
        if (held) told_[held->reservation.id] = {held->reservation};
    }

    awaitable<void> change() {
        auto known = told_.begin();
        std::advance(known, below(static_cast<int>(told_.size())));
        const Uuid id = known->first;
        Move move;
        move.reservation = id;
        move.target = static_cast<Target>(below(3));
        const auto moved = co_await world_.service->apply(std::move(move));
        if (!moved) co_return;
        auto& told = told_[id];
        const bool sold = moved->reservation.state == Reservation::State::Confirmed;
        told.sold |= sold;
        told.released |= !sold;
    }

    void check() {
        std::map<std::string, int> owners;  // by seat
        SeatCounts wanted{.available = 10};
        for (auto& [id, told] : told_) {
            const auto stored = world_.stored(told.reservation);
            const bool sold = stored.state == Reservation::State::Confirmed;
            EXPECT_FALSE(told.sold && told.released) << "one story for everybody";
            if (told.sold) EXPECT_TRUE(sold);
            if (told.released) EXPECT_FALSE(sold || stored.state == Reservation::State::Hold);
            if (!sold && stored.state != Reservation::State::Hold) continue;
            for (const auto& seat : stored.seat_ids) ++owners[seat];
            const auto seats = static_cast<std::int64_t>(stored.seat_ids.size());
            wanted.available -= seats;
            (sold ? wanted.sold : wanted.reserved) += seats;
        }
        for (const auto& [seat, count] : owners) EXPECT_EQ(count, 1) << "seat " << seat;
        EXPECT_EQ(world_.counts(), wanted);
    }

    TestWorld world_;
    Random random_;
    std::map<Uuid, Told> told_;
    int under_way_ = 0;
};

class SeatsProperty : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SeatsProperty, NoSeatIsLostOrSoldTwiceWhateverComesInWhatOrder) {
    Swarm swarm(GetParam());
    for (int i = 0; i < rounds && !HasFailure(); ++i) swarm.round();
}

INSTANTIATE_TEST_SUITE_P(Seeds, SeatsProperty, testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace florin::seats
