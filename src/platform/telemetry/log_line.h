#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "platform/base/time.h"
#include "platform/telemetry/log.h"

namespace florin::telemetry {

/// Appends one line of the log with its newline. Whatever the texts hold, the result is one line of
/// valid UTF-8, and of valid JSON in that format: control characters are escaped (nobody can forge
/// a line or drive a terminal), broken UTF-8 becomes U+FFFD. Thread-safe.
void append_json_line(std::string& out, Instant at, Level level, std::string_view message,
                      std::initializer_list<Field> fields);
void append_console_line(std::string& out, bool colour, Instant at, Level level,
                         std::string_view message, std::initializer_list<Field> fields);

}  // namespace florin::telemetry
