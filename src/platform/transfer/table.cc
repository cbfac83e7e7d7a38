#include "platform/transfer/table.h"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace florin::transfer {
namespace {

using store::Sql;

// Table, column, type, place in the primary key (0: none).
constexpr Sql columns_sql(
    "SELECT m.name, c.name, upper(c.type), c.pk FROM sqlite_schema m JOIN pragma_table_info(m.name)"
    " c WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' ORDER BY m.name, c.cid",
    "SELECT c.table_name, c.column_name, upper(c.data_type), coalesce(s.seq_in_index, 0)"
    " FROM information_schema.columns c JOIN information_schema.tables t"
    " ON t.table_schema = c.table_schema AND t.table_name = c.table_name"
    " LEFT JOIN information_schema.statistics s ON s.table_schema = c.table_schema"
    " AND s.table_name = c.table_name AND s.column_name = c.column_name AND s.index_name = "
    "'PRIMARY'"
    " WHERE c.table_schema = database() AND t.table_type = 'BASE TABLE'"
    " ORDER BY c.table_name, c.ordinal_position");

Kind kind_of(std::string_view type, const std::string& column) {
    if (type.find("INT") != std::string_view::npos) return Kind::Integer;
    if (type.find("BLOB") != std::string_view::npos ||
        type.find("BINARY") != std::string_view::npos)
        return Kind::Bytes;
    if (type.find("TEXT") != std::string_view::npos || type.find("CHAR") != std::string_view::npos)
        return Kind::Text;
    throw std::runtime_error("column " + column + " is a " + std::string(type) +
                             ", which an export cannot hold");
}

/// What is known of a table while its columns come in.
struct Described {
    std::vector<Column> columns;
    std::map<std::int64_t, std::string> key;
};

std::string quoted(std::string_view name) {
    return '"' + std::string(name) + '"';
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "" : ", ") + quoted(name);
    return text;
}

std::string columns_of(const Table& table) {
    std::vector<std::string> names;
    names.reserve(table.columns.size());
    for (const auto& column : table.columns) names.push_back(column.name);
    return list_of(names);
}

}  // namespace

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::Integer:
            return "integer";
        case Kind::Text:
            return "text";
        case Kind::Bytes:
            return "bytes";
    }
    return {};
}

std::vector<Table> tables_of(store::Snapshot& snapshot, const LeftOut& left_out) {
    std::map<std::string, Described> described;  // in the order of their names
    auto rows = snapshot.query(columns_sql);
    while (rows.next()) {
        const std::string table(rows.text(0));
        if (left_out.tables.contains(table)) continue;
        const std::string name(rows.text(1));
        const std::string column = std::string(table).append(1, '.').append(name);
        auto& known = described[table];
        if (rows.integer(3) > 0) known.key.emplace(rows.integer(3), name);
        if (!left_out.columns.contains(column))
            known.columns.push_back({name, kind_of(rows.text(2), column)});
    }
    std::vector<Table> tables;
    for (auto& [name, known] : described) {
        Table& table = tables.emplace_back(name, std::move(known.columns));
        for (auto& [place, column] : known.key) table.key.push_back(std::move(column));
    }
    return tables;
}

Sql Statements::select(const Table& table) {
    return keep("SELECT " + columns_of(table) + " FROM " + quoted(table.name) +
                (table.key.empty() ? "" : " ORDER BY " + list_of(table.key)));
}

Sql Statements::insert(const Table& table) {
    std::string places;
    for (std::size_t i = 0; i < table.columns.size(); ++i) places += i == 0 ? "?" : ", ?";
    return keep("INSERT INTO " + quoted(table.name) + " (" + columns_of(table) + ") VALUES (" +
                places + ")");
}

Sql Statements::count(const Table& table) {
    return keep("SELECT count(*) FROM " + quoted(table.name));
}

Sql Statements::keep(std::string text) {
    return Sql::of_names(texts_.emplace_back(std::move(text)));
}

Row read_row(const store::Rows& rows, const Table& table) {
    Row row;
    row.values.reserve(table.columns.size());
    int at = 0;
    for (const Column& column : table.columns) {
        const int place = at++;
        if (rows.is_null(place)) {
            row.values.emplace_back();
        } else if (column.kind == Kind::Integer) {
            row.values.emplace_back(rows.integer(place));
        } else if (column.kind == Kind::Text) {
            row.values.emplace_back(std::string(rows.text(place)));
        } else {
            row.values.emplace_back(Bytes{std::string(rows.blob(place))});
        }
    }
    return row;
}

}  // namespace florin::transfer
