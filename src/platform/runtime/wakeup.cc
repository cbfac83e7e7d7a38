#include "platform/runtime/wakeup.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "platform/runtime/loop.h"

namespace asio = boost::asio;

namespace florin::runtime {

struct Wakeup::State {
    asio::steady_timer timer;
};

Wakeup::Wakeup(Loop& loop) : loop_(loop), state_(new State{asio::steady_timer(loop.context())}) {}

Wakeup::~Wakeup() = default;

void Wakeup::notify() {
    if (notified_.exchange(true)) return;  // the waiter has yet to see the last call
    loop_.post([state = state_] { state->timer.cancel(); });
}

awaitable<void> Wakeup::wait_until(const Clock& clock, std::optional<Instant> due) {
    if (!notified_.load()) {
        if (due) {
            state_->timer.expires_after(*due - clock.now());
        } else {
            state_->timer.expires_at(asio::steady_timer::time_point::max());
        }
        boost::system::error_code cancelled;  // that is a notification, not a fault
        co_await state_->timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    notified_.store(false);
}

}  // namespace florin::runtime
