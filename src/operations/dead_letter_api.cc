#include "operations/dead_letter_api.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "operations/dead_letter_json.h"
#include "platform/base/faults.h"
#include "platform/base/require.h"
#include "platform/broker/dead_letters.h"
#include "platform/http/admin_access.h"
#include "platform/http/list_query.h"
#include "platform/http/server.h"
#include "platform/runtime/run_on.h"
#include "platform/store/store.h"
#include "platform/telemetry/log.h"

namespace florin::operations {
namespace {

using broker::DeadLetter;
using broker::DeadLetterRefusal;
using broker::Handled;
using broker::Relayed;
using http::Request;
using http::Response;

/// The admin face of one loop; its handlers, which the router owns, share it.
class DeadLetterApi {
public:
    using Method = awaitable<Response> (DeadLetterApi::*)(Request);
    using OneMethod = awaitable<Response> (DeadLetterApi::*)(Request, Uuid);

    DeadLetterApi(store::Store& store, const Clock& clock, Redrivers redrivers,
                  const http::AdminAccess& access, std::function<void()> changed)
        : store_(store),
          clock_(clock),
          redrivers_(redrivers),
          access_(access),
          changed_(std::move(changed)) {}

    awaitable<Response> guarded(Method method, Request request) {
        if (auto refusal = http::refuse_admin(access_, request)) co_return std::move(*refusal);
        co_return co_await (this->*method)(std::move(request));
    }
    awaitable<Response> guarded_one(OneMethod method, Request request) {
        if (auto refusal = http::refuse_admin(access_, request)) co_return std::move(*refusal);
        const auto id = parse_uuid(request.path_value("id"));
        if (!id) co_return not_found(request);
        co_return co_await (this->*method)(std::move(request), *id);
    }

    awaitable<Response> list(Request request) {
        broker::dead_letters::ListQuery query;
        if (const auto group = request.query_value("group")) query.group = std::string(*group);
        if (const auto before = request.query_value("before")) {
            query.before = parse_uuid(*before);
            if (!query.before)
                co_return http::invalid_parameter(request, "before",
                                                  "the next_before of another page");
        }
        const auto limit = http::limit_of(request);
        if (!limit) co_return http::invalid_parameter(request, "limit", "a number from 1 to 100");
        query.limit = *limit + 1;  // one more tells whether there is another page
        auto page = co_await store_.read([&query](store::Snapshot& snapshot) {
            return DeadLetterPage{.letters = broker::dead_letters::list(snapshot, query),
                                  .waiting = broker::dead_letters::counts(snapshot)};
        });
        page.more = static_cast<int>(page.letters.size()) > *limit;
        if (page.more) page.letters.pop_back();
        co_return http::json(200, dead_letters_json(page));
    }

    awaitable<Response> show(Request request, Uuid id) {
        const auto letter = co_await find(id);
        if (!letter) co_return not_found(request);
        co_return http::json(200, dead_letter_json(*letter));
    }

    // A handler that throws has left nothing behind, so its fault is this call's alone. What the
    // store itself reports stays a fault of the service.
    awaitable<Response> redrive(Request request, Uuid id) {
        std::string fault;
        try {
            co_return co_await redrive_or_throw(request, id);
        } catch (const Overloaded&) {
            throw;
        } catch (const Unavailable&) {
            throw;
        } catch (const std::exception& thrown) {
            fault = thrown.what();
        }
        telemetry::warning("A dead letter could not be re-driven",
                           {{"id", id.text()}, {"fault", fault}});
        co_return http::problem(
            502, "handler_failed",
            "handling the message failed and changed nothing; it waits on: " + fault,
            request.trace_id);
    }

    awaitable<Response> discard(Request request, Uuid id) {
        const Instant now = clock_.now();
        const auto discarded = co_await store_.write([id, now](store::Transaction& tx) {
            return broker::dead_letters::discard(tx, id, now);
        });
        if (!discarded) co_return co_await refused(std::move(request), id, discarded.error());
        telemetry::info("A dead letter was discarded", {{"id", id.text()}});
        co_return http::json(200, fmt::format(R"({{"id":"{}","state":"DISCARDED"}})", id.text()));
    }

private:
    awaitable<std::optional<DeadLetter>> find(Uuid id) {
        co_return co_await store_.read(
            [id](store::Snapshot& snapshot) { return broker::dead_letters::find(snapshot, id); });
    }

    awaitable<Response> redrive_or_throw(Request request, Uuid id) {
        const Instant now = clock_.now();
        auto handled = co_await store_.write([this, id, now](store::Transaction& tx) {
            return broker::dead_letters::redrive(tx, redrivers_.consumers, id, now);
        });
        if (!handled && handled.error() == DeadLetterRefusal::NoConsumer)
            handled = co_await carry_again(id);
        if (!handled) co_return co_await refused(std::move(request), id, handled.error());
        tell(id, *handled);
        if (handled->kind == Handled::Kind::Poison) {
            co_return http::problem(409, "still_poison",
                                    fmt::format("it still cannot be handled and waits on: {}: {}",
                                                handled->error_type, handled->error_message),
                                    request.trace_id);
        }
        changed_();
        co_return http::json(200, redriven_json(id, *handled));
    }

    /// By the relay of its group, outside of any transaction: who asks twice at once may have it
    /// carried twice, under the same id.
    awaitable<std::expected<Handled, DeadLetterRefusal>> carry_again(Uuid id) {
        const auto letter = co_await find(id);
        if (!letter) co_return std::unexpected(DeadLetterRefusal::NotFound);
        const auto at = std::ranges::find_if(redrivers_.relays, [&](const RelayOnLoop& one) {
            return one.relay->group() == letter->group;
        });
        if (at == redrivers_.relays.end()) co_return std::unexpected(DeadLetterRefusal::NoConsumer);
        const auto results =
            co_await runtime::run_on(*at->loop, at->relay->relay({letter->message}));
        require(results.size() == 1, "a relay has a result for each message");
        const Relayed& result = results.front();
        if (result.kind == Relayed::Kind::Later)
            throw std::runtime_error(result.error_type + ": " + result.error_message);
        const bool done = result.kind == Relayed::Kind::Done;
        const Instant now = clock_.now();
        const auto noted = co_await store_.write([&](store::Transaction& tx) {
            return done ? broker::dead_letters::mark_handled(tx, id, now)
                        : broker::dead_letters::note_failure(tx, id, result.error_type,
                                                             result.error_message, now);
        });
        if (!noted) co_return std::unexpected(noted.error());
        co_return done ? Handled::done() : Handled::poison(result.error_type, result.error_message);
    }

    static void tell(const Uuid& id, const Handled& handled) {
        telemetry::info("A dead letter was re-driven",
                        {{"id", id.text()},
                         {"result", handled.kind == Handled::Kind::Done      ? "done"
                                    : handled.kind == Handled::Kind::Refused ? "refused"
                                                                             : "poison"},
                         {"reason", handled.error_message}});
    }

    awaitable<Response> refused(Request request, Uuid id, DeadLetterRefusal why) {
        const auto letter = co_await find(id);
        if (!letter) co_return not_found(request);
        switch (why) {
            case DeadLetterRefusal::NotFound:
                co_return not_found(request);
            case DeadLetterRefusal::NotWaiting:
                co_return http::problem(
                    409, "dead_letter_not_waiting",
                    fmt::format("dead letter {} does not wait any more: it is {}", id.text(),
                                name_of(letter->state)),
                    request.trace_id);
            case DeadLetterRefusal::NoConsumer:
                co_return http::problem(
                    409, "no_consumer",
                    fmt::format("nothing in this process serves the group '{}': ask one that does, "
                                "or discard the letter",
                                letter->group),
                    request.trace_id);
        }
        co_return not_found(request);
    }

    static Response not_found(const Request& request) {
        return http::problem(404, "dead_letter_not_found",
                             fmt::format("dead letter not found: {}", request.path_value("id")),
                             request.trace_id);
    }

    store::Store& store_;
    const Clock& clock_;
    const Redrivers redrivers_;
    const http::AdminAccess& access_;
    const std::function<void()> changed_;
};

}  // namespace

void add_dead_letter_routes(http::Router& router, store::Store& store, const Clock& clock,
                            Redrivers redrivers, const http::AdminAccess& access,
                            std::function<void()> changed) {
    const auto api =
        std::make_shared<DeadLetterApi>(store, clock, redrivers, access, std::move(changed));
    router.add("GET", "/api/dead-letters", [api](Request request) {
        return api->guarded(&DeadLetterApi::list, std::move(request));
    });
    const auto one = [&](const char* method, const char* pattern,
                         DeadLetterApi::OneMethod handler) {
        router.add(method, pattern, [api, handler](Request request) {
            return api->guarded_one(handler, std::move(request));
        });
    };
    one("GET", "/api/dead-letters/{id}", &DeadLetterApi::show);
    one("POST", "/api/dead-letters/{id}/redrive", &DeadLetterApi::redrive);
    one("POST", "/api/dead-letters/{id}/discard", &DeadLetterApi::discard);
}

}  // namespace florin::operations
