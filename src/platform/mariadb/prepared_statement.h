#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "platform/mariadb/statement_text.h"
#include "platform/mariadb/waiting_rows.h"
#include "platform/store/session.h"

struct st_mysql_stmt;

namespace florin::mariadb {

class Connection;

/// A statement of one connection, over the binary protocol. Values are bound by their kind, rows
/// are read whole when the statement runs, so that queries may be nested.
class PreparedStatement final : public store::Statement {
public:
    PreparedStatement(Connection& connection, std::string_view sql);
    ~PreparedStatement() override;
    PreparedStatement(const PreparedStatement&) = delete;
    PreparedStatement& operator=(const PreparedStatement&) = delete;

    void reset() override;
    void bind(int parameter, std::int64_t value) override;
    void bind(int parameter, std::string_view text) override;
    void bind(int parameter, store::Blob blob) override;
    void bind_null(int parameter) override;
    bool step() override;

    [[nodiscard]] bool is_null(int column) const override;
    [[nodiscard]] std::int64_t integer(int column) const override;
    [[nodiscard]] std::string_view text(int column) const override;
    [[nodiscard]] std::string_view blob(int column) const override { return text(column); }
    [[nodiscard]] std::int64_t changed() const override { return changed_; }

    [[nodiscard]] const StatementText& about() const { return about_; }
    [[nodiscard]] const WaitingRows& waiting() const { return waiting_; }
    void forget_waiting() { waiting_.clear(); }
    /// Reads the rows that are still on their way.
    void take_rest();
    /// Inserts the rows that wait, in one message where there are several.
    void send_waiting();

private:
    struct Buffers;

    Value& value(int parameter);
    void execute();
    void bind_values();
    void bind_columns();
    bool fetch();
    void read_long_values();
    void read_to_the_end();
    void skip_rest();
    void check(int failed, std::string_view doing) const;
    void check_sent(int failed) const;
    [[noreturn]] void fail_as_connection() const;

    Connection& connection_;
    const StatementText about_;
    const std::string sql_;
    st_mysql_stmt* statement_ = nullptr;
    std::vector<Value> values_;
    std::unique_ptr<Buffers> buffers_;
    bool executed_ = false;
    bool stored_ = false;  // the rest of its rows, since another statement wanted the connection
    bool has_rows_ = false;
    std::int64_t changed_ = 0;
    WaitingRows waiting_;
};

}  // namespace florin::mariadb
