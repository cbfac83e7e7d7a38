#include "platform/transfer/row_text.h"

#include <optional>

#include <boost/json.hpp>

#include "platform/base/json_text.h"
#include "platform/base/utf8.h"
#include "platform/crypto/hmac.h"

namespace florin::transfer {
namespace {

namespace json = boost::json;

std::string hex(std::string_view bytes) {
    return crypto::hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::optional<unsigned> digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    return std::nullopt;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const auto high = digit(text[at]);
        const auto low = digit(text[at + 1]);
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>(*high * 16 + *low);
    }
    return bytes;
}

void append(std::string& line, const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        line += std::to_string(*number);
    } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
        line += '"' + hex(bytes->value) + '"';
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        if (is_utf8(*text)) {
            append_json_string(line, *text);
        } else {
            line += R"({"hex":")" + hex(*text) + "\"}";
        }
    } else {
        line += "null";
    }
}

std::optional<Value> parse_value(const json::value& given, Kind kind) {
    if (given.is_null()) return Value();
    if (kind == Kind::Integer) {
        if (!given.is_int64()) return std::nullopt;
        return Value(given.get_int64());
    }
    if (kind == Kind::Text && given.is_object()) {
        const auto& object = given.get_object();
        const auto* const text = object.if_contains("hex");
        if (object.size() != 1 || text == nullptr || !text->is_string()) return std::nullopt;
        auto bytes = from_hex(text->get_string());
        if (!bytes) return std::nullopt;
        return Value(std::move(*bytes));
    }
    if (!given.is_string()) return std::nullopt;
    const json::string& text = given.get_string();
    if (kind == Kind::Text) return Value(std::string(text));
    auto bytes = from_hex(text);
    if (!bytes) return std::nullopt;
    return Value(Bytes{std::move(*bytes)});
}

}  // namespace

std::string row_text(const Row& row) {
    std::string line = "[";
    for (const Value& value : row.values) {
        if (line.size() > 1) line += ',';
        append(line, value);
    }
    return line + ']';
}

std::expected<Row, std::string> parse_row(std::string_view line, const Table& table) {
    json::error_code failed;
    json::monotonic_resource scratch;
    json::parse_options options;
    options.max_depth = 3;
    const json::value parsed = json::parse(line, failed, &scratch, options);
    if (failed || !parsed.is_array()) return std::unexpected("is no row");
    const auto& given = parsed.get_array();
    if (given.size() != table.columns.size()) {
        return std::unexpected("has " + std::to_string(given.size()) + " values; table " +
                               table.name + " has " + std::to_string(table.columns.size()) +
                               " columns");
    }
    Row row;
    row.values.reserve(given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
        const Column& column = table.columns[i];
        auto value = parse_value(given[i], column.kind);
        if (!value) {
            return std::unexpected("has a value for column " + column.name + " of " + table.name +
                                   " that is no " + std::string(name_of(column.kind)));
        }
        row.values.push_back(std::move(*value));
    }
    return row;
}

}  // namespace florin::transfer
