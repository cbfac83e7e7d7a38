#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "platform/store/session.h"

namespace florin::transfer {

/// What a column holds, whichever database it stands in.
enum class Kind : std::uint8_t { Integer, Text, Bytes };
/// "integer" …
std::string_view name_of(Kind kind);

struct Bytes {
    std::string value;
    bool operator==(const Bytes&) const = default;
};
/// NULL, a number, a text or bytes.
using Value = std::variant<std::monostate, std::int64_t, std::string, Bytes>;

/// The values of one row, in the order of its table's columns.
struct Row {
    std::vector<Value> values;
    bool operator==(const Row&) const = default;
};

/// Binds a whole row where a statement takes its values: `tx.execute(sql, row)`.
inline void bind_one(store::Statement& statement, int at, const Row& row) {
    for (const Value& value : row.values) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
            statement.bind(at, *number);
        } else if (const auto* text = std::get_if<std::string>(&value)) {
            statement.bind(at, std::string_view(*text));
        } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
            statement.bind(at, store::Blob{bytes->value});
        } else {
            statement.bind_null(at);
        }
        ++at;
    }
}

}  // namespace florin::transfer
