#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <variant>

#include "platform/transfer/digest.h"
#include "platform/transfer/table.h"

/// The file that a whole database travels in: lines of JSON. First what it is, then each table with
/// its columns, its rows and their sum, then positions and proofs, and last a digest of it all.
namespace florin::transfer {

constexpr std::int64_t export_format = 1;

/// The first line.
struct Header {
    std::int64_t schema = 0;  // how many migrations the database had
    std::string source;       // what kind of database it was, for people
};
struct TableBegin {
    Table table;  // without its key
};
struct TableEnd {
    std::int64_t rows = 0;
    std::string sum;  // of `RowSum`
};
/// The last number each numbering table has given, also when its row is gone.
using Positions = std::map<std::string, std::int64_t>;
/// What was proven of the database, by name: the same must hold of the one it becomes.
using Proofs = std::map<std::string, std::string>;
/// The last line.
struct FileEnd {
    std::int64_t tables = 0;
    std::int64_t rows = 0;
};

/// Writes an export in the order of its parts. Throws `std::runtime_error` when the stream does not
/// take it.
class ExportWriter {
public:
    explicit ExportWriter(std::ostream& out) : out_(out) {}

    void header(const Header& header);
    void begin(const Table& table);
    void row(const Row& row);
    void end_table();
    void positions(const Positions& positions);
    void proofs(const Proofs& proofs);
    /// What all of it was. The stream has taken everything when it returns.
    FileEnd end();

private:
    void line(std::string text);

    std::ostream& out_;
    RunningDigest digest_;
    RowSum sum_;
    FileEnd total_;
};

}  // namespace florin::transfer
