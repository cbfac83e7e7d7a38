#pragma once

#include <iosfwd>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

#include "platform/transfer/export_file.h"

namespace florin::transfer {

/// A file is no export, or not the whole of one: "line 17: …".
class BrokenExport : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

using Part = std::variant<Header, TableBegin, Row, TableEnd, Positions, Proofs, FileEnd>;

/// Reads an export part by part and checks that each stands where it may, sums and digest among
/// them. Holds one line at a time, of at most `line_bytes_max`.
class ExportReader {
public:
    static constexpr std::size_t line_bytes_max = 64UL * 1024 * 1024;

    explicit ExportReader(std::istream& in) : in_(in) {}

    /// The next part; nothing after the last one, which says that the file is whole. Throws
    /// `BrokenExport`.
    std::optional<Part> next();
    /// Of the line that was read last.
    [[nodiscard]] std::size_t line_bytes() const { return line_.size(); }
    /// Throws `BrokenExport` that names the line.
    [[noreturn]] void fail(const std::string& why) const;

private:
    enum class Place : std::uint8_t {
        Start,
        BetweenTables,
        InTable,
        AfterPositions,
        AfterProofs,
        End
    };

    bool read_line();
    Part read_other();
    Part read_table_end(const std::string& sum, std::int64_t rows);
    void move(Place from, Place to, const char* what);

    std::istream& in_;
    std::string line_;
    std::int64_t line_number_ = 0;
    Place place_ = Place::Start;
    RunningDigest digest_;
    std::string claimed_digest_;  // by the last line
    Table table_;
    RowSum sum_;
    FileEnd total_;
};

}  // namespace florin::transfer
