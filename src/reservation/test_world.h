#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reservation/services.h"

namespace florin::reservation::testing {

/// The two services, whose calls a test sees as lines and answers as it likes.
class FakeServices final : public ReservationApi, public Inventory {
public:
    awaitable<CallResult> set_status(ReservationEvent event, std::string status) override {
        return call(status + ' ' + event.reservation_id);
    }
    awaitable<std::expected<ReservationView, CallFailure>> find(ReservationEvent event) override {
        auto answer = co_await call("find " + event.reservation_id);
        if (!answer) co_return std::unexpected(answer.error());
        co_return view;
    }
    awaitable<CallResult> commit(ReservationEvent event) override {
        return call("commit " + seats(event));
    }
    awaitable<CallResult> release(ReservationEvent event, std::string reason) override {
        return call("release " + seats(event) + ' ' + reason);
    }

    ReservationView view{"concert", {"A-1", "A-2"}};
    std::map<std::string, CallFailure::Kind> failures;  // by the first word of a call
    std::function<awaitable<void>(std::string)> before;
    std::vector<std::string> calls;

private:
    static std::string seats(const ReservationEvent& event) {
        std::string text = event.event_id;
        for (const auto& seat : event.seat_ids) text += '/' + seat;
        return text;
    }
    awaitable<CallResult> call(std::string line) {
        calls.push_back(line);
        if (before) co_await before(line);
        const auto failure = failures.find(line.substr(0, line.find(' ')));
        if (failure != failures.end())
            co_return std::unexpected(CallFailure{failure->second, "said the fake"});
        co_return CallResult();
    }
};

}  // namespace florin::reservation::testing
