#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace florin::app {

struct EnvEntry {
    std::string name;
    std::string value;
    std::size_t line = 0;  // from 1
};

struct EnvFile {
    std::vector<EnvEntry> entries;
    std::vector<std::string> errors;  // "line 3: …"
};

/// Reads the text of an .env file: NAME=value lines, `export` before them, # comments, 'literal'
/// and "escaped" values (\n \t \" \\ \$), CRLF or LF. Nothing is expanded. Lines it cannot read are
/// errors and give no entry; the others are kept.
EnvFile parse_env_file(std::string_view text);

}  // namespace florin::app
