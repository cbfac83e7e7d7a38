#pragma once

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "platform/store/session.h"
#include "platform/transfer/row.h"

namespace florin::transfer {

struct Column {
    std::string name;
    Kind kind = Kind::Text;
    bool operator==(const Column&) const = default;
};

/// A table as a database describes it.
struct Table {
    std::string name;
    std::vector<Column> columns;
    std::vector<std::string> key;  // the columns of its primary key, in order
};

/// What is not moved from one database to another: tables that are one database's own business, and
/// columns that every database fills by itself ("table.column").
struct LeftOut {
    std::set<std::string, std::less<>> tables;
    std::set<std::string, std::less<>> columns;
};

/// The tables of a database, in the order of their names, columns in theirs. Throws
/// `std::runtime_error` for a column of a type that no export can hold.
std::vector<Table> tables_of(store::Snapshot& snapshot, const LeftOut& left_out);

/// Statements made from what a database says of itself. A connection finds a statement again by the
/// address of its text, so this object outlives the connection.
class Statements {
public:
    store::Sql select(const Table& table);
    store::Sql insert(const Table& table);
    store::Sql count(const Table& table);

private:
    store::Sql keep(std::string text);

    std::deque<std::string> texts_;
};

/// The row under a cursor of `Statements::select`.
Row read_row(const store::Rows& rows, const Table& table);

}  // namespace florin::transfer
