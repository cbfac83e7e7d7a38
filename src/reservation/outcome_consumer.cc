#include "reservation/outcome_consumer.h"

#include <utility>

#include "reservation/reservation_event.h"
#include "reservation/tasks.h"

namespace florin::reservation {

OutcomeConsumer::OutcomeConsumer(Concerns concerns, std::function<void()> arrived)
    : concerns_(std::move(concerns)), arrived_(std::move(arrived)) {}

std::string_view OutcomeConsumer::group() const {
    return worker_group;
}

std::vector<std::string> OutcomeConsumer::topics() const {
    return {"payment.completed", "payment.failed", "payment.cancelled", "payment.expired"};
}

broker::Handled OutcomeConsumer::handle(store::Transaction& tx, const broker::Message& message) {
    auto event = parse_outcome(message.payload);
    if (!event) {
        return broker::Handled::poison(std::move(event.error().error_type),
                                       std::move(event.error().error_message));
    }
    // A task is due from the moment its event happened: the log's order is the tasks'.
    if (concerns_(event->reservation_id))
        tasks::insert(tx, {message, std::move(event->reservation_id), 0, message.at});
    return broker::Handled::done();
}

}  // namespace florin::reservation
