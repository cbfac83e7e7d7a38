#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "platform/transfer/table.h"

namespace florin::transfer {

/// The row as one line of JSON, without its end: ["0192f0…", 17, null, "text"]. Bytes are
/// hexadecimal; a text that is not UTF-8 is {"hex": "ff00"}. Equal rows have equal lines.
std::string row_text(const Row& row);

/// The row that such a line is; the error says what is wrong with it.
std::expected<Row, std::string> parse_row(std::string_view line, const Table& table);

}  // namespace florin::transfer
