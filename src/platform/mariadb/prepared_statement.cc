#include "platform/mariadb/prepared_statement.h"

#include <charconv>
#include <stdexcept>

#include <mysql.h>

#include "platform/base/require.h"
#include "platform/mariadb/connection.h"
#include "platform/store/store.h"

namespace florin::mariadb {
namespace {

constexpr const char* locking = " FOR UPDATE";
// Longer values are read a second time, once; then the column's buffer is as long as they are.
constexpr std::size_t first_buffer_bytes = 64;

enum_field_types type_of(Value::Kind kind) {
    switch (kind) {
        case Value::Kind::Null:
            return MYSQL_TYPE_NULL;
        case Value::Kind::Integer:
            return MYSQL_TYPE_LONGLONG;
        case Value::Kind::Text:
            return MYSQL_TYPE_STRING;
        case Value::Kind::Bytes:
            return MYSQL_TYPE_BLOB;
    }
    throw std::logic_error("every kind of value has a type");
}

bool is_number(enum_field_types type) {
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
           type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

}  // namespace

/// What the client library reads from and writes to.
struct PreparedStatement::Buffers {
    struct Column {
        bool number = false;
        std::int64_t integer = 0;
        std::vector<char> bytes;
        unsigned long length = 0;
        my_bool null = 0;
        my_bool cut = 0;
    };

    std::vector<MYSQL_BIND> parameters;
    std::vector<Column> columns;
    std::vector<MYSQL_BIND> results;
    std::vector<std::vector<const char*>> pointers;  // of rows that wait, by column
};

PreparedStatement::PreparedStatement(Connection& connection, std::string_view sql)
    : connection_(connection),
      about_(sql),
      sql_(std::string(sql) + (about_.locks && connection.use_ == Use::Write ? locking : "")),
      buffers_(std::make_unique<Buffers>()) {
    statement_ = mysql_stmt_init(connection.handle_);
    if (statement_ == nullptr) throw std::bad_alloc();
    try {
        check_sent(mysql_stmt_prepare(statement_, sql_.data(), sql_.size()));
    } catch (const std::runtime_error&) {
        mysql_stmt_close(statement_);
        throw;
    }
    values_.resize(mysql_stmt_param_count(statement_));
    buffers_->parameters.resize(values_.size());
    has_rows_ = mysql_stmt_field_count(statement_) > 0;
}

PreparedStatement::~PreparedStatement() {
    connection_.end_stream(*this);
    mysql_stmt_close(statement_);
}

void PreparedStatement::check(int failed, std::string_view doing) const {
    if (failed == 0) return;
    // What arrives instead of a row is told to the connection alone.
    if (mysql_stmt_errno(statement_) == 0) fail_as_connection();
    connection_.fail(mysql_stmt_errno(statement_), mysql_stmt_sqlstate(statement_),
                     mysql_stmt_error(statement_), doing);
}

/// For what has sent something: the library may answer yes when the server had hung up before.
void PreparedStatement::check_sent(int failed) const {
    check(failed, sql_);
    if (mysql_errno(connection_.handle_) != 0) fail_as_connection();
}

void PreparedStatement::fail_as_connection() const {
    MYSQL* const handle = connection_.handle_;
    connection_.fail(mysql_errno(handle), mysql_sqlstate(handle), mysql_error(handle), sql_);
}

void PreparedStatement::reset() {
    if (executed_ && has_rows_) {
        if (stored_) read_to_the_end();
        skip_rest();
        connection_.end_stream(*this);
    }
    executed_ = false;
}

// Among the rows that nobody wants may be the news that the transaction is gone. `reset` cannot
// throw, so the connection remembers it, and nothing more runs.
void PreparedStatement::skip_rest() {
    mysql_stmt_free_result(statement_);
    if (mysql_errno(connection_.handle_) == 0) return;
    try {
        fail_as_connection();
    } catch (const std::runtime_error&) {
        return;  // remembered, where it concerns more than these rows
    }
}

Value& PreparedStatement::value(int parameter) {
    const auto at = static_cast<std::size_t>(parameter);
    if (at >= values_.size()) {
        throw store::StatementRefused("a statement has " + std::to_string(values_.size()) +
                                      " parameters, but is given more: " + sql_);
    }
    return values_[at];
}

void PreparedStatement::bind(int parameter, std::int64_t number) {
    Value& bound = value(parameter);
    bound.kind = Value::Kind::Integer;
    bound.integer = number;
    bound.bytes = {};
}

// A query runs after its arguments may be gone, so its values are copied; a command's statement
// runs while they are still there.
void PreparedStatement::bind(int parameter, std::string_view text) {
    Value& bound = value(parameter);
    bound.kind = Value::Kind::Text;
    if (has_rows_) bound.kept = text;
    bound.bytes = has_rows_ ? std::string_view(bound.kept) : text;
}

void PreparedStatement::bind(int parameter, store::Blob blob) {
    bind(parameter, blob.bytes);
    values_[static_cast<std::size_t>(parameter)].kind = Value::Kind::Bytes;
}

void PreparedStatement::bind_null(int parameter) {
    Value& bound = value(parameter);
    bound.kind = Value::Kind::Null;
    bound.bytes = {};
}

bool PreparedStatement::step() {
    if (executed_) return has_rows_ && fetch();
    if (about_.kind == StatementText::Kind::PlainInsert && connection_.defers()) {
        connection_.wait_with(*this);
        if (!waiting_.add(values_)) {
            connection_.send(*this);
            connection_.wait_with(*this);
            require(waiting_.add(values_), "an empty list takes every row");
        }
        changed_ = 1;
        return false;
    }
    connection_.prepare_to_run(*this);
    execute();
    return has_rows_ && fetch();
}

void PreparedStatement::execute() {
    if (!values_.empty()) bind_values();
    check_sent(mysql_stmt_execute(statement_));
    executed_ = true;
    stored_ = false;
    if (has_rows_) {
        connection_.begin_stream(*this);
        if (buffers_->columns.empty()) bind_columns();
        changed_ = about_.kind == StatementText::Kind::Query ? 0 : 1;  // RETURNING does not tell
    } else {
        changed_ = static_cast<std::int64_t>(mysql_stmt_affected_rows(statement_));
    }
    // What replaces a row counts it twice; for everybody else it is one.
    const bool one_row = about_.kind == StatementText::Kind::PlainInsert;
    if (one_row && changed_ > 1) changed_ = 1;
    connection_.total_changes_ += changed_;
}

void PreparedStatement::take_rest() {
    check(mysql_stmt_store_result(statement_), sql_);
    stored_ = true;
}

// The library takes rows that were stored and not read to their end for rows that are still to
// come, and the next execution would wait for them.
void PreparedStatement::read_to_the_end() {
    int code = 0;
    while (code == 0 || code == MYSQL_DATA_TRUNCATED) code = mysql_stmt_fetch(statement_);
}

void PreparedStatement::bind_values() {
    for (std::size_t i = 0; i < values_.size(); ++i) {
        Value& bound = values_[i];
        MYSQL_BIND& slot = buffers_->parameters[i];
        slot = {};
        slot.buffer_type = type_of(bound.kind);
        if (bound.kind == Value::Kind::Integer) {
            slot.buffer = &bound.integer;
        } else if (bound.kind != Value::Kind::Null) {
            slot.buffer = const_cast<char*>(bound.bytes.data());
            slot.buffer_length = bound.bytes.size();
            slot.length_value = bound.bytes.size();
            slot.length = &slot.length_value;
        }
    }
    check(mysql_stmt_bind_param(statement_, buffers_->parameters.data()), "binding values");
}

void PreparedStatement::send_waiting() {
    auto& pointers = buffers_->pointers;
    pointers.resize(values_.size());
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const WaitingRows::Column& column = waiting_.columns()[i];
        MYSQL_BIND& slot = buffers_->parameters[i];
        slot = {};
        // A column of nothing but nulls still needs a type that has values.
        slot.buffer_type =
            column.kind == Value::Kind::Null ? MYSQL_TYPE_LONGLONG : type_of(column.kind);
        slot.u.indicator = const_cast<char*>(column.nulls.data());
        if (slot.buffer_type == MYSQL_TYPE_LONGLONG) {
            slot.buffer = const_cast<std::int64_t*>(column.integers.data());
            continue;
        }
        pointers[i].clear();
        for (const std::size_t offset : column.offsets)
            pointers[i].push_back(waiting_.text().data() + offset);
        slot.buffer = static_cast<void*>(pointers[i].data());
        slot.length = const_cast<unsigned long*>(column.lengths.data());
    }
    unsigned rows = static_cast<unsigned>(waiting_.size());
    mysql_stmt_attr_set(statement_, STMT_ATTR_ARRAY_SIZE, &rows);
    const int failed = mysql_stmt_bind_param(statement_, buffers_->parameters.data()) != 0
                           ? 1
                           : mysql_stmt_execute(statement_);
    waiting_.clear();
    rows = 0;
    mysql_stmt_attr_set(statement_, STMT_ATTR_ARRAY_SIZE, &rows);
    check_sent(failed);
}

void PreparedStatement::bind_columns() {
    MYSQL_RES* const about = mysql_stmt_result_metadata(statement_);
    require(about != nullptr, "a statement with columns tells of them");
    const unsigned count = mysql_num_fields(about);
    const MYSQL_FIELD* const fields = mysql_fetch_fields(about);
    buffers_->columns.resize(count);
    buffers_->results.resize(count);
    for (unsigned i = 0; i < count; ++i) {
        buffers_->columns[i].number = is_number(fields[i].type);
        buffers_->columns[i].bytes.resize(first_buffer_bytes);
    }
    mysql_free_result(about);
    for (unsigned i = 0; i < count; ++i) {
        Buffers::Column& column = buffers_->columns[i];
        MYSQL_BIND& slot = buffers_->results[i];
        slot = {};
        slot.buffer_type = column.number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
        slot.buffer = column.number ? static_cast<void*>(&column.integer)
                                    : static_cast<void*>(column.bytes.data());
        slot.buffer_length = column.number ? sizeof(column.integer) : column.bytes.size();
        slot.length = &column.length;
        slot.is_null = &column.null;
        slot.error = &column.cut;
    }
    check(mysql_stmt_bind_result(statement_, buffers_->results.data()), "binding columns");
}

bool PreparedStatement::fetch() {
    const int code = mysql_stmt_fetch(statement_);
    if (code == 0) return true;
    if (code != MYSQL_DATA_TRUNCATED) {
        connection_.end_stream(*this);
        if (code == MYSQL_NO_DATA) return false;
        check(code, sql_);
    }
    read_long_values();
    return true;
}

void PreparedStatement::read_long_values() {
    for (unsigned i = 0; i < buffers_->columns.size(); ++i) {
        Buffers::Column& column = buffers_->columns[i];
        if (column.number || column.null != 0 || column.length <= column.bytes.size()) continue;
        column.bytes.resize(column.length);
        MYSQL_BIND& slot = buffers_->results[i];
        slot.buffer = column.bytes.data();
        slot.buffer_length = column.bytes.size();
        check(mysql_stmt_fetch_column(statement_, &slot, i, 0), "reading a long value");
    }
    check(mysql_stmt_bind_result(statement_, buffers_->results.data()), "binding columns");
}

bool PreparedStatement::is_null(int column) const {
    return buffers_->columns.at(static_cast<std::size_t>(column)).null != 0;
}

std::int64_t PreparedStatement::integer(int column) const {
    const auto& cell = buffers_->columns.at(static_cast<std::size_t>(column));
    if (cell.null != 0) return 0;
    if (cell.number) return cell.integer;
    std::int64_t number = 0;  // a sum is a decimal, which comes as text
    std::from_chars(cell.bytes.data(), cell.bytes.data() + cell.length, number);
    return number;
}

std::string_view PreparedStatement::text(int column) const {
    const auto& cell = buffers_->columns.at(static_cast<std::size_t>(column));
    if (cell.null != 0) return {};
    if (cell.number) {
        throw store::StatementRefused("column " + std::to_string(column) +
                                      " is a number, but read as a text: " + sql_);
    }
    return {cell.bytes.data(), cell.length};
}

}  // namespace florin::mariadb
