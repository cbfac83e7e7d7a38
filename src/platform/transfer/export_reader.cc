#include "platform/transfer/export_reader.h"

#include <istream>

#include <boost/json.hpp>

#include "platform/transfer/row_text.h"

namespace florin::transfer {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, const char* name) {
    const auto* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
}

/// A whole number from 0; -1 when it is none.
std::int64_t number_of(const json::object& object, const char* name) {
    const auto* const value = object.if_contains(name);
    return value != nullptr && value->is_int64() ? std::max<std::int64_t>(value->get_int64(), -1)
                                                 : -1;
}

std::optional<Kind> kind_named(std::string_view name) {
    for (const Kind kind : {Kind::Integer, Kind::Text, Kind::Bytes}) {
        if (name_of(kind) == name) return kind;
    }
    return std::nullopt;
}

std::optional<Table> parse_table(const json::object& object) {
    Table table;
    table.name = text_of(object, "table");
    const auto* const columns = object.if_contains("columns");
    if (table.name.empty() || columns == nullptr || !columns->is_array()) return std::nullopt;
    for (const auto& column : columns->get_array()) {
        if (!column.is_array() || column.get_array().size() != 2) return std::nullopt;
        const auto& pair = column.get_array();
        if (!pair[0].is_string() || !pair[1].is_string()) return std::nullopt;
        const auto kind = kind_named(pair[1].get_string());
        if (!kind) return std::nullopt;
        table.columns.push_back({std::string(pair[0].get_string()), *kind});
    }
    if (table.columns.empty()) return std::nullopt;
    return table;
}

std::optional<Positions> parse_positions(const json::value& given) {
    if (!given.is_object()) return std::nullopt;
    Positions positions;
    for (const auto& [table, position] : given.get_object()) {
        if (!position.is_int64() || position.get_int64() < 0) return std::nullopt;
        positions.emplace(table, position.get_int64());
    }
    return positions;
}

std::optional<Proofs> parse_proofs(const json::value& given) {
    if (!given.is_object()) return std::nullopt;
    Proofs proofs;
    for (const auto& [name, proof] : given.get_object()) {
        if (!proof.is_string()) return std::nullopt;
        proofs.emplace(name, std::string(proof.get_string()));
    }
    return proofs;
}

}  // namespace

void ExportReader::fail(const std::string& why) const {
    throw BrokenExport("line " + std::to_string(line_number_) + ": " + why);
}

bool ExportReader::read_line() {
    line_.clear();
    ++line_number_;
    for (auto* const buffer = in_.rdbuf();;) {
        const auto c = buffer->sbumpc();
        if (c == std::char_traits<char>::eof()) {
            if (line_.empty()) return false;
            fail("it does not end: the file was cut off");
        }
        if (c == '\n') return true;
        if (line_.size() == line_bytes_max) fail("it is longer than any line of an export");
        line_ += static_cast<char>(c);
    }
}

void ExportReader::move(Place from, Place to, const char* what) {
    if (place_ != from) fail(std::string(what) + " cannot stand here");
    place_ = to;
}

std::optional<Part> ExportReader::next() {
    const std::string digest = place_ == Place::AfterProofs ? digest_.hex() : std::string();
    if (!read_line()) {
        if (place_ == Place::End) return std::nullopt;
        fail(place_ == Place::Start ? "the file is empty; give one that `florin export` wrote"
                                    : "the file ends before its last line: it was cut off");
    }
    if (place_ == Place::End) fail("the export has ended, but the file goes on");
    digest_.add(line_);
    digest_.add("\n");
    if (line_.starts_with('[')) {
        if (place_ != Place::InTable) fail("a row cannot stand here");
        auto row = parse_row(line_, table_);
        if (!row) fail("it " + row.error());
        sum_.add(row_text(*row));
        return *std::move(row);
    }
    Part part = read_other();
    if (const auto* end = std::get_if<FileEnd>(&part)) {
        if (end->tables != total_.tables || end->rows != total_.rows)
            fail("it counts other tables or rows than the file has");
        if (claimed_digest_ != digest)
            fail("its digest is not that of the file: something in it was changed");
    }
    return part;
}

Part ExportReader::read_table_end(const std::string& sum, std::int64_t rows) {
    move(Place::InTable, Place::BetweenTables, "the end of a table");
    if (rows != sum_.rows() || sum != sum_.hex()) {
        fail("table " + table_.name + " has " + std::to_string(sum_.rows()) +
             " rows here, but not the " + std::to_string(rows) + " it was written with");
    }
    total_.rows += rows;
    return TableEnd{rows, sum};
}

Part ExportReader::read_other() {
    json::error_code failed;
    json::parse_options options;
    options.max_depth = 4;
    const json::value parsed = json::parse(line_, failed, {}, options);
    if (failed || !parsed.is_object()) fail("it is no part of an export");
    const auto& object = parsed.get_object();
    if (place_ == Place::Start) {
        if (text_of(object, "export") != "florin") fail("this is no export of florin");
        if (number_of(object, "format") != export_format) {
            fail(
                "the export has a format that this build does not read: use the build that wrote "
                "it");
        }
        place_ = Place::BetweenTables;
        return Header{number_of(object, "schema"), text_of(object, "source")};
    }
    if (object.contains("table")) {
        auto table = parse_table(object);
        if (!table) fail("it names no table with its columns");
        move(Place::BetweenTables, Place::InTable, "a table");
        table_ = *std::move(table);
        sum_ = {};
        ++total_.tables;
        return TableBegin{table_};
    }
    if (const auto* given = object.if_contains("positions")) {
        move(Place::BetweenTables, Place::AfterPositions, "the positions");
        auto positions = parse_positions(*given);
        if (!positions) fail("a position is no whole number");
        return *std::move(positions);
    }
    if (const auto* given = object.if_contains("proofs")) {
        move(Place::AfterPositions, Place::AfterProofs, "the proofs");
        auto proofs = parse_proofs(*given);
        if (!proofs) fail("a proof is no text");
        return *std::move(proofs);
    }
    if (object.contains("sha256")) {
        move(Place::AfterProofs, Place::End, "the end of the export");
        claimed_digest_ = text_of(object, "sha256");
        return FileEnd{number_of(object, "tables"), number_of(object, "rows")};
    }
    if (object.contains("sum"))
        return read_table_end(text_of(object, "sum"), number_of(object, "rows"));
    fail("it is no part of an export");
}

}  // namespace florin::transfer
