#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "platform/mariadb/address.h"
#include "platform/store/session.h"
#include "platform/store/store.h"

struct st_mysql;

namespace florin::mariadb {

class PreparedStatement;

struct Timeouts {
    std::chrono::seconds connect{2};
    /// How long a writing connection waits for one answer, and a lock for another transaction. The
    /// server gives up first, so that a lost answer is not taken for a long wait.
    std::chrono::seconds write{8};
    std::chrono::seconds lock{4};
    /// How long a reading connection waits for the next part of an answer.
    std::chrono::seconds read{60};
    /// After this the server ends the transaction of a process that hangs in it.
    std::chrono::seconds idle_transaction{10};

    /// Of who carries a whole database through one transaction, as fast as a pipe is read or
    /// filled: nobody else wants what it holds.
    static Timeouts patient() {
        Timeouts timeouts;
        timeouts.write = std::chrono::hours(1);
        timeouts.read = std::chrono::hours(1);
        timeouts.idle_transaction = std::chrono::hours(24);
        return timeouts;
    }
};

/// What a connection is for. It decides the isolation: writing ones read what is committed and lock
/// what they read, reading ones see one snapshot.
enum class Use : std::uint8_t { Write, Read, Setup };

/// What a failed statement means for its transaction.
enum class Trouble : std::uint8_t {
    None,
    Collision,  // a deadlock: another try may succeed
    Blocked,    // a lock that took too long
    Lost,       // the connection is gone
    NoSpace,    // the server's disk is full
    Fault       // anything else
};

/// The server answers and does not let us in: the user, the password, the database or the
/// certificate is wrong. Asking again does not help.
class EntryRefused : public store::StoreFault {
public:
    using StoreFault::StoreFault;
};

/// One connection with its prepared statements. Belongs to one thread at a time.
///
/// A statement that fails throws `StatementRefused` when it is to blame itself (a broken
/// constraint, wrong SQL): the transaction goes on without it. Everything else is a `StoreFault`,
/// which the connection remembers, and no further statement runs until `begin`.
///
/// In a writing transaction queries lock what they find (FOR UPDATE), and plain inserts wait until
/// `flush`, or until a statement names their table: many rows then go in one message. Rows of
/// sequenced tables are numbered under a lock that all writers share and that lasts until the
/// commit: their numbers are in the order of the commits.
class Connection final : public store::Transaction {
public:
    /// Connects. Throws `StoreFault`, and `EntryRefused` when that is final.
    Connection(const Address& address, const Timeouts& timeouts, Use use,
               std::vector<std::string> sequenced_tables = {});
    ~Connection() override;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Runs statements from text that return nothing, or whose rows nobody wants.
    void run(std::string_view sql);
    /// The number in the first column of the first row; 0 when there is none.
    [[nodiscard]] std::int64_t number(const store::Sql& sql);

    enum class Inserts : std::uint8_t { Wait, AtOnce };
    enum class Attempt : std::uint8_t { First, Repeated };
    /// Begins a writing transaction.
    void begin(Inserts inserts, Attempt attempt = Attempt::First);
    /// Begins a reading transaction that sees one state of the database, the one of now.
    void begin_snapshot();
    /// Sends the inserts that wait.
    void flush();
    void commit();
    void set_savepoint();
    void roll_back_to_savepoint();
    /// Ends the transaction without a trace. Does not throw: a connection that cannot is lost, and
    /// the server rolls back by itself.
    void roll_back();
    [[nodiscard]] bool in_transaction() const;
    [[nodiscard]] bool repeated() const override { return attempt_ == Attempt::Repeated; }

    /// Rows changed by this connection so far, with those that wait.
    [[nodiscard]] std::int64_t total_changes() const { return total_changes_; }
    /// Whether something has been changed since `begin`, though it may be undone.
    [[nodiscard]] bool has_changed() const { return total_changes_ != changes_at_begin_; }
    /// The number of the transaction among all that hold rows of sequenced tables; 0: it has none.
    [[nodiscard]] std::int64_t commit_number() const { return commit_number_; }
    /// Whether a row broke a unique key since `begin` or the last call.
    bool take_duplicate();
    /// Whether an insert that waited was refused since `begin`: its command does not know.
    [[nodiscard]] bool waiting_was_refused() const { return waiting_refused_; }

    [[nodiscard]] Trouble trouble() const { return trouble_; }
    [[nodiscard]] const std::string& fault() const { return fault_; }
    /// Where it leads, without user and password.
    [[nodiscard]] const std::string& place() const { return place_; }
    /// The server's number of this connection, which KILL takes.
    [[nodiscard]] unsigned long id() const;

protected:
    store::Statement& prepared(const store::Sql& sql) override;

private:
    friend class PreparedStatement;

    [[noreturn]] void fail_to_connect() const;
    void set_up_session(const Timeouts& timeouts);
    [[nodiscard]] bool defers() const { return inserts_ == Inserts::Wait && in_writing_; }
    [[nodiscard]] bool is_sequenced(std::string_view table) const;
    /// What must happen before `statement` runs: no trouble, its tables up to date, its lock taken.
    void prepare_to_run(const PreparedStatement& statement);
    /// Rows of `statement` are on their way: until they have come nothing else can be sent.
    void begin_stream(PreparedStatement& statement) { stream_ = &statement; }
    void end_stream(const PreparedStatement& statement) {
        if (stream_ == &statement) stream_ = nullptr;
    }
    void take_rest_of_stream();
    void wait_with(PreparedStatement& statement);
    void send(PreparedStatement& statement);
    void take_commit_order();
    [[noreturn]] void fail(unsigned code, const char* state, const char* message,
                           std::string_view doing);

    const std::string place_;
    const Use use_;
    const std::vector<std::string> sequenced_tables_;
    st_mysql* handle_ = nullptr;
    Trouble trouble_ = Trouble::None;
    std::string fault_;
    bool duplicate_ = false;
    bool waiting_refused_ = false;
    bool in_writing_ = false;
    Inserts inserts_ = Inserts::AtOnce;
    Attempt attempt_ = Attempt::First;
    std::int64_t commit_number_ = 0;
    std::int64_t savepoint_commit_number_ = 0;
    std::int64_t total_changes_ = 0;
    std::int64_t changes_at_begin_ = 0;
    PreparedStatement* stream_ = nullptr;
    std::vector<PreparedStatement*> waiting_;  // with rows to insert, in the order of their first
    std::unordered_map<const char*, std::unique_ptr<PreparedStatement>>
        statements_;  // by the text's address
};

}  // namespace florin::mariadb
