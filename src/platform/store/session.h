#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "platform/base/time.h"
#include "platform/base/uuid.h"

namespace florin::store {

/// SQL text of static lifetime: each connection prepares it once and finds it again by its address.
/// One text serves every database where it can. A second one is for MariaDB where it cannot.
class Sql {
public:
    consteval explicit Sql(const char* text) : text_(text), mariadb_text_(text) {}
    consteval Sql(const char* sqlite, const char* mariadb)
        : text_(sqlite), mariadb_text_(mariadb) {}
    /// A text made of names that a schema gave; never of values, which are bound. The text outlives
    /// every connection that prepares it.
    static Sql of_names(std::string_view text) {
        Sql made("");
        made.text_ = made.mariadb_text_ = text;
        return made;
    }
    [[nodiscard]] constexpr std::string_view text() const { return text_; }
    [[nodiscard]] constexpr std::string_view mariadb_text() const { return mariadb_text_; }

private:
    std::string_view text_;
    std::string_view mariadb_text_;
};

/// Bytes to bind as a BLOB; the view needs to live for the call that binds it.
struct Blob {
    std::string_view bytes;
};

/// Port: a prepared statement of one connection. Parameters and columns count from 0.
class Statement {
public:
    virtual ~Statement() = default;

    virtual void reset() = 0;
    virtual void bind(int parameter, std::int64_t value) = 0;
    virtual void bind(int parameter, std::string_view text) = 0;
    virtual void bind(int parameter, Blob blob) = 0;
    virtual void bind_null(int parameter) = 0;
    /// Runs to the next row; false at the end. Throws `StoreFault`.
    virtual bool step() = 0;

    /// Of the current row. Views live until the next `step` or `reset`.
    [[nodiscard]] virtual bool is_null(int column) const = 0;
    [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
    [[nodiscard]] virtual std::string_view text(int column) const = 0;
    [[nodiscard]] virtual std::string_view blob(int column) const = 0;

    /// Rows the last INSERT, UPDATE or DELETE changed.
    [[nodiscard]] virtual std::int64_t changed() const = 0;
};

/// The rows of one query, one at a time: `while (rows.next()) … rows.integer(0)`. Ends the
/// statement when it dies. Nest queries only over different SQL texts.
class Rows {
public:
    explicit Rows(Statement& statement) : statement_(&statement) {}
    ~Rows() {
        if (statement_ != nullptr) statement_->reset();
    }
    Rows(Rows&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    Rows& operator=(Rows&&) = delete;

    bool next() { return statement_->step(); }
    [[nodiscard]] bool is_null(int column) const { return statement_->is_null(column); }
    [[nodiscard]] std::int64_t integer(int column) const { return statement_->integer(column); }
    [[nodiscard]] std::string_view text(int column) const { return statement_->text(column); }
    [[nodiscard]] std::string_view blob(int column) const { return statement_->blob(column); }
    [[nodiscard]] Uuid uuid(int column) const { return uuid_from_bytes(statement_->blob(column)); }
    [[nodiscard]] Instant instant(int column) const {
        return instant_from_unix_us(statement_->integer(column));
    }
    [[nodiscard]] std::optional<Instant> instant_or_null(int column) const {
        if (is_null(column)) return std::nullopt;
        return instant(column);
    }

private:
    Statement* statement_;
};

namespace internal {

inline void bind_one(Statement& s, int at, const Uuid& id) {
    s.bind(at, Blob{id.view()});
}
inline void bind_one(Statement& s, int at, Instant value) {
    s.bind(at, unix_us(value));
}
inline void bind_one(Statement& s, int at, Blob value) {
    s.bind(at, value);
}
inline void bind_one(Statement& s, int at, std::string_view value) {
    s.bind(at, value);
}
inline void bind_one(Statement& s, int at, const char* value) {
    s.bind(at, std::string_view(value));
}
inline void bind_one(Statement& s, int at, std::nullopt_t) {
    s.bind_null(at);
}
inline void bind_one(Statement& s, int at, std::integral auto value) {
    s.bind(at, static_cast<std::int64_t>(value));
}
template <class T>
void bind_one(Statement& s, int at, const std::optional<T>& value) {
    if (value) {
        bind_one(s, at, *value);
    } else {
        s.bind_null(at);
    }
}

template <class... Values>
void bind_all(Statement& statement, const Values&... values) {
    int at = 0;
    (bind_one(statement, at++, values), ...);
}

}  // namespace internal

/// What a read sees: one consistent state of the database. Belongs to the thread that runs the
/// query.
class Snapshot {
public:
    virtual ~Snapshot() = default;

    template <class... Values>
    Rows query(const Sql& sql, const Values&... values) {
        Statement& statement = prepared(sql);
        internal::bind_all(statement, values...);
        return Rows(statement);
    }

protected:
    /// The connection's statement for `sql`, reset and ready to bind.
    virtual Statement& prepared(const Sql& sql) = 0;
};

/// What a command changes, inside the transaction it shares with its batch.
class Transaction : public Snapshot {
public:
    /// Runs a statement that returns no rows; the number of rows it changed.
    template <class... Values>
    std::int64_t execute(const Sql& sql, const Values&... values) {
        Statement& statement = prepared(sql);
        internal::bind_all(statement, values...);
        statement.step();
        const std::int64_t rows = statement.changed();
        statement.reset();
        return rows;
    }

    /// Whether the batch runs again because something in it was there already or was refused. Who
    /// inserts what is nearly always new, without a look, looks then.
    [[nodiscard]] virtual bool repeated() const { return false; }
};

}  // namespace florin::store
