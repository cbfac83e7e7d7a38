#include "platform/mariadb/connection.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>

#include "platform/mariadb/errors.h"
#include "platform/mariadb/prepared_statement.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

using store::StatementRefused;
using store::StoreFault;

// A message of the server's default limit is 16 MiB; rows are sent long before.
constexpr std::size_t waiting_bytes_max = 1U << 20U;
constexpr std::size_t waiting_rows_max = 4'096;
constexpr std::size_t shown_bytes_max = 160;  // of a statement in a message

// What SQLite does by itself: strict values, "names" in double quotes, || for texts, 0 as a value
// of an automatic key, and in an UPDATE the old values on the right of every =.
constexpr const char* sql_mode =
    "STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_AUTO_VALUE_ON_ZERO,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,SIMULTANEOUS_ASSIGNMENT";

constexpr const char* commit_order_sql =
    "UPDATE store_commit_order SET number = LAST_INSERT_ID(number + 1) WHERE id = 1";

void set_seconds(MYSQL* handle, mysql_option option, std::chrono::seconds time) {
    const auto seconds = static_cast<unsigned>(time.count());
    mysql_options(handle, option, &seconds);
}

void set_options(MYSQL* handle, const Address& address, const Timeouts& timeouts, Use use) {
    set_seconds(handle, MYSQL_OPT_CONNECT_TIMEOUT, timeouts.connect);
    if (use == Use::Write) set_seconds(handle, MYSQL_OPT_READ_TIMEOUT, timeouts.write);
    if (use == Use::Read) set_seconds(handle, MYSQL_OPT_READ_TIMEOUT, timeouts.read);
    if (use != Use::Setup) set_seconds(handle, MYSQL_OPT_WRITE_TIMEOUT, timeouts.write);
    // The library would take "localhost" for a unix socket of its own choice, and forget the port.
    const unsigned protocol = address.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET;
    mysql_options(handle, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    const unsigned no = 0;
    mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &no);
    if (address.tls == Tls::Off) return;
    const my_bool yes = 1;
    const my_bool verify = address.tls == Tls::Verify ? 1 : 0;
    mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (!address.ca.empty()) mysql_options(handle, MYSQL_OPT_SSL_CA, address.ca.c_str());
}

std::string session_sql(const Timeouts& timeouts, Use use) {
    const char* isolation = use == Use::Read ? "REPEATABLE-READ" : "READ-COMMITTED";
    return fmt::format(
        "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, SESSION sql_mode = '{}',"
        " SESSION tx_isolation = '{}', SESSION time_zone = '+00:00', SESSION autocommit = 1,"
        " SESSION innodb_lock_wait_timeout = {}, SESSION idle_transaction_timeout = {}",
        sql_mode, isolation, timeouts.lock.count(),
        use == Use::Setup ? 0 : timeouts.idle_transaction.count());
}

}  // namespace

Connection::Connection(const Address& address, const Timeouts& timeouts, Use use,
                       std::vector<std::string> sequenced_tables)
    : place_(address.text()), use_(use), sequenced_tables_(std::move(sequenced_tables)) {
    static std::once_flag once;
    std::call_once(once, [] { mysql_library_init(0, nullptr, nullptr); });
    handle_ = mysql_init(nullptr);
    if (handle_ == nullptr) throw std::bad_alloc();
    try {
        set_options(handle_, address, timeouts, use);
        const bool by_socket = !address.socket.empty();
        // Rows an UPDATE finds count as changed, as in SQLite, whether or not their values differ.
        if (mysql_real_connect(handle_, by_socket ? nullptr : address.host.c_str(),
                               address.user.c_str(), address.password.c_str(),
                               address.database.c_str(), by_socket ? 0 : address.port,
                               by_socket ? address.socket.c_str() : nullptr,
                               CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS) == nullptr) {
            fail_to_connect();
        }
        if (address.tls != Tls::Off && mysql_get_ssl_cipher(handle_) == nullptr)
            throw EntryRefused("the database " + place_ +
                               " does not encrypt; let it, or say tls=off when the way is safe");
        set_up_session(timeouts);
    } catch (const std::runtime_error&) {
        mysql_close(handle_);
        throw;
    }
}

void Connection::fail_to_connect() const {
    const std::string text = fmt::format("cannot connect to the database {}: {} ({})", place_,
                                         mysql_error(handle_), mysql_errno(handle_));
    const char* const advice = advice_on_entry(mysql_errno(handle_));
    if (advice == nullptr) throw StoreFault(text);
    throw EntryRefused(text + advice);
}

void Connection::set_up_session(const Timeouts& timeouts) {
    try {
        run(session_sql(timeouts, use_));
    } catch (const StatementRefused& refused) {
        throw StoreFault(
            std::string("the server lacks what Florin needs; MariaDB 10.6 and newer have "
                        "it: ") +
            refused.what());
    }
}

Connection::~Connection() {
    statements_.clear();
    mysql_close(handle_);
}

void Connection::run(std::string_view sql) {
    if (trouble_ != Trouble::None) throw StoreFault(fault_);
    take_rest_of_stream();
    int more = mysql_real_query(handle_, sql.data(), sql.size());
    while (more == 0) {
        MYSQL_RES* const rows = mysql_store_result(handle_);
        if (rows != nullptr) mysql_free_result(rows);
        more = mysql_next_result(handle_);
    }
    // The library may answer yes when the server has hung up before the statement was sent: only
    // its error number tells.
    if (more > 0 || mysql_errno(handle_) != 0)
        fail(mysql_errno(handle_), mysql_sqlstate(handle_), mysql_error(handle_), sql);
}

std::int64_t Connection::number(const store::Sql& sql) {
    auto rows = query(sql);
    return rows.next() ? rows.integer(0) : 0;
}

void Connection::begin(Inserts inserts, Attempt attempt) {
    trouble_ = trouble_ == Trouble::Lost ? Trouble::Lost : Trouble::None;
    duplicate_ = false;
    waiting_refused_ = false;
    commit_number_ = 0;
    changes_at_begin_ = total_changes_;
    inserts_ = inserts;
    attempt_ = attempt;
    run("START TRANSACTION");
    in_writing_ = true;
}

void Connection::flush() {
    for (const bool sequenced : {false, true}) {
        const auto statements = waiting_;
        for (PreparedStatement* statement : statements) {
            if (is_sequenced(statement->about().table) == sequenced) send(*statement);
        }
    }
}

void Connection::commit() {
    run("COMMIT");
    in_writing_ = false;
}

void Connection::begin_snapshot() {
    run("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

void Connection::set_savepoint() {
    run("SAVEPOINT command");
    savepoint_commit_number_ = commit_number_;
}

// The lock of the commit order stays, but its count is undone.
void Connection::roll_back_to_savepoint() {
    run("ROLLBACK TO SAVEPOINT command");
    commit_number_ = savepoint_commit_number_;
}

void Connection::roll_back() {
    for (PreparedStatement* statement : waiting_) statement->forget_waiting();
    waiting_.clear();
    in_writing_ = false;
    if (trouble_ == Trouble::Lost) return;
    trouble_ = Trouble::None;
    try {
        run("ROLLBACK");
    } catch (const std::runtime_error& fault) {
        trouble_ = Trouble::Lost;  // in whatever state it is: nobody uses it again
        fault_ = fault.what();
    }
}

bool Connection::in_transaction() const {
    return (handle_->server_status & SERVER_STATUS_IN_TRANS) != 0;
}

bool Connection::take_duplicate() {
    return std::exchange(duplicate_, false);
}

unsigned long Connection::id() const {
    return mysql_thread_id(handle_);
}

store::Statement& Connection::prepared(const store::Sql& sql) {
    if (trouble_ != Trouble::None) throw StoreFault(fault_);
    auto& slot = statements_[sql.mariadb_text().data()];
    if (!slot) {
        take_rest_of_stream();
        slot = std::make_unique<PreparedStatement>(*this, sql.mariadb_text());
    }
    return *slot;
}

bool Connection::is_sequenced(std::string_view table) const {
    return std::ranges::find(sequenced_tables_, table) != sequenced_tables_.end();
}

void Connection::prepare_to_run(const PreparedStatement& statement) {
    if (trouble_ != Trouble::None) throw StoreFault(fault_);
    take_rest_of_stream();
    if (!in_writing_) return;
    const auto statements = waiting_;
    for (PreparedStatement* waiting : statements) {
        if (statement.about().names(waiting->about().table)) send(*waiting);
    }
    if (is_sequenced(statement.about().table)) take_commit_order();
}

void Connection::take_rest_of_stream() {
    if (PreparedStatement* const stream = std::exchange(stream_, nullptr)) stream->take_rest();
}

void Connection::wait_with(PreparedStatement& statement) {
    if (trouble_ != Trouble::None) throw StoreFault(fault_);
    if (statement.waiting().size() >= waiting_rows_max ||
        statement.waiting().bytes() >= waiting_bytes_max) {
        send(statement);
    }
    if (statement.waiting().size() == 0) {
        // Another text for the same table: its rows come first.
        const auto statements = waiting_;
        for (PreparedStatement* waiting : statements) {
            if (waiting->about().table == statement.about().table) send(*waiting);
        }
        waiting_.push_back(&statement);
    }
    ++total_changes_;
}

void Connection::send(PreparedStatement& statement) {
    if (trouble_ != Trouble::None) throw StoreFault(fault_);
    take_rest_of_stream();
    // Until its rows are on their way the statement stays among those that a rollback forgets.
    if (is_sequenced(statement.about().table)) take_commit_order();
    std::erase(waiting_, &statement);
    try {
        statement.send_waiting();
    } catch (const StatementRefused&) {
        waiting_refused_ = true;
        throw;
    }
}

void Connection::take_commit_order() {
    if (commit_number_ != 0) return;
    run(commit_order_sql);
    commit_number_ = static_cast<std::int64_t>(mysql_insert_id(handle_));
}

void Connection::fail(unsigned code, const char* state, const char* message,
                      std::string_view doing) {
    const ErrorKind kind = kind_of_error(code, state);
    const std::string text = fmt::format(
        "the database {} {} while {}{}: {} ({})", place_,
        kind == ErrorKind::NoSpace ? "has no space left on its disk" : "failed",
        doing.substr(0, shown_bytes_max), doing.size() > shown_bytes_max ? "…" : "", message, code);
    switch (kind) {
        case ErrorKind::Duplicate:
            duplicate_ = true;
            throw StatementRefused(text);
        case ErrorKind::Refusal:
            throw StatementRefused(text);
        case ErrorKind::Collision:
            trouble_ = Trouble::Collision;
            break;
        case ErrorKind::Blocked:
            trouble_ = Trouble::Blocked;
            break;
        case ErrorKind::Lost:
            trouble_ = Trouble::Lost;
            break;
        case ErrorKind::NoSpace:
            trouble_ = Trouble::NoSpace;
            break;
        case ErrorKind::Fault:
            trouble_ = Trouble::Fault;
            break;
    }
    fault_ = text;
    throw StoreFault(text);
}

}  // namespace florin::mariadb
