#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace florin::mariadb {

/// One value of a statement.
struct Value {
    enum class Kind : std::uint8_t { Null, Integer, Text, Bytes };

    Kind kind = Kind::Null;
    std::int64_t integer = 0;
    std::string_view bytes;  // of a text or bytes: borrowed, or a view of `kept`
    std::string kept;
};

/// Rows for one table, column by column, as the client library takes them for one message.
class WaitingRows {
public:
    struct Column {
        Value::Kind kind = Value::Kind::Null;  // of all values that are not null
        std::vector<std::int64_t> integers;
        std::vector<std::size_t> offsets;  // into the bytes
        std::vector<unsigned long> lengths;
        std::vector<char> nulls;  // 1 where there is no value
    };

    /// Adds a row; false when a value is of another kind than those above it.
    bool add(const std::vector<Value>& values);
    void clear();

    [[nodiscard]] std::size_t size() const { return rows_; }
    [[nodiscard]] std::size_t bytes() const { return text_.size() + 8 * rows_ * columns_.size(); }
    [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    std::size_t rows_ = 0;
    std::vector<Column> columns_;
    std::string text_;  // all texts and bytes
};

}  // namespace florin::mariadb
