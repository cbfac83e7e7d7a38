#pragma once

#include <cstdint>
#include <exception>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "platform/base/faults.h"
#include "platform/runtime/completion.h"
#include "platform/runtime/loop.h"
#include "platform/store/route.h"
#include "platform/store/session.h"

namespace florin::store {

/// The database failed (disk full, corruption, I/O): nothing of the command is stored.
class StoreFault : public Unavailable {
public:
    using Unavailable::Unavailable;
};

/// The process had to end while the database was away, before it could learn whether the command is
/// stored. Asking again, or repeating the request with its idempotency key, tells.
class OutcomeUnknown : public Unavailable {
public:
    using Unavailable::Unavailable;
};

/// A statement asked for what the schema forbids (UNIQUE, CHECK, a wrong column): a bug of its
/// command, which leaves no trace; the database is well.
class StatementRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Whether a command's changes stay: a refusal or a throw leaves no trace.
enum class Verdict : std::uint8_t { Keep, Discard };

/// A command or query on its way through the store; it lives in the waiting coroutine's frame.
class WriteOperation : public runtime::Completion {
public:
    virtual ~WriteOperation() = default;
    /// Runs the command, catching what it throws into `fault`. May be called again from the start.
    virtual Verdict run(Transaction& transaction) noexcept = 0;

    runtime::Loop* loop = nullptr;  // where to resume
    Route route;
    std::exception_ptr fault;  // set: the caller rethrows it
};

class ReadOperation : public runtime::Completion {
public:
    virtual ~ReadOperation() = default;
    virtual void run(Snapshot& snapshot) noexcept = 0;

    runtime::Loop* loop = nullptr;
    std::exception_ptr fault;
};

/// What /ready and /metrics tell of a store. All counts since start.
struct StoreState {
    bool healthy = true;  // false: the last commit failed; it turns true again by itself
    std::string fault;    // why it is not
    std::size_t write_queue = 0;
    std::size_t read_queue = 0;
};

/// Port: the durable state. Thread-safe; callers await on a loop.
class Store {
public:
    virtual ~Store() = default;

    /// Runs `command(Transaction&)` on the writer, in a transaction that many commands share.
    /// Resumes on the caller's loop after the commit is durable. The command may be run again after
    /// another command of its batch failed: it must have no outside effects and must not consume
    /// its captures. A command that returns an unexpected value (`std::expected`) or throws leaves
    /// no trace; its neighbours are untouched. Throws what the command throws, `Overloaded` when
    /// the queue is full, `StoreFault` when the commit failed: then nothing of its batch is stored.
    /// Commands of one route run in the order they were handed in; those of others beside them.
    template <class Command>
    auto write(Command command, Route route = {})
        -> awaitable<std::invoke_result_t<Command&, Transaction&>> {
        Write<Command> operation(std::move(command));
        operation.loop = &runtime::Loop::current();
        operation.route = route;
        co_await operation.wait([this, &operation] { submit(operation); });
        if (operation.fault) std::rethrow_exception(operation.fault);
        co_return operation.take();
    }

    /// Runs `query(Snapshot&)` on a reader, on a state that holds every write answered before the
    /// call. Never waits for the writer. It may be run again from the start when the connection to
    /// the database breaks. Errors as for `write`.
    template <class Query>
    auto read(Query query) -> awaitable<std::invoke_result_t<Query&, Snapshot&>> {
        Read<Query> operation(std::move(query));
        operation.loop = &runtime::Loop::current();
        co_await operation.wait([this, &operation] { submit(operation); });
        if (operation.fault) std::rethrow_exception(operation.fault);
        co_return operation.take();
    }

    [[nodiscard]] virtual StoreState state() const = 0;

    /// Whether other processes may work on the same database. Then work is claimed before it is
    /// done, and what others left is looked for: no wake-up comes from them.
    [[nodiscard]] virtual bool shared() const { return false; }

protected:
    /// Takes the operation and resumes it later, always through its loop, never from inside. When
    /// the queue is full it resumes with an `Overloaded` fault.
    virtual void submit(WriteOperation& operation) = 0;
    virtual void submit(ReadOperation& operation) = 0;

private:
    template <class T>
    struct IsExpected : std::false_type {};
    template <class T, class E>
    struct IsExpected<std::expected<T, E>> : std::true_type {};

    template <class Base, class Function, class Session>
    class Operation : public Base {
        using Result = std::invoke_result_t<Function&, Session&>;
        static constexpr bool is_void = std::is_void_v<Result>;

    public:
        explicit Operation(Function function) : function_(std::move(function)) {}

        Verdict attempt(Session& session) noexcept {
            this->fault = nullptr;
            try {
                if constexpr (is_void) {
                    function_(session);
                } else {
                    result_.emplace(function_(session));
                    if constexpr (IsExpected<Result>::value) {
                        if (!result_->has_value()) return Verdict::Discard;
                    }
                }
                return Verdict::Keep;
            } catch (...) {
                this->fault = std::current_exception();
                return Verdict::Discard;
            }
        }

        Result take() {
            if constexpr (!is_void) {
                if (!result_) throw std::logic_error("the store answered without a result");
                return std::move(*result_);
            }
        }

    private:
        struct Nothing {};
        Function function_;
        std::optional<std::conditional_t<is_void, Nothing, Result>> result_;
    };

    template <class Command>
    class Write final : public Operation<WriteOperation, Command, Transaction> {
    public:
        using Operation<WriteOperation, Command, Transaction>::Operation;
        Verdict run(Transaction& transaction) noexcept override {
            return this->attempt(transaction);
        }
    };
    template <class Query>
    class Read final : public Operation<ReadOperation, Query, Snapshot> {
    public:
        using Operation<ReadOperation, Query, Snapshot>::Operation;
        void run(Snapshot& snapshot) noexcept override { this->attempt(snapshot); }
    };
};

}  // namespace florin::store
