#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "platform/base/require.h"
#include "platform/telemetry/log.h"

namespace florin::telemetry {

/// A log session whose lines a test reads, as JSON. One at a time, and no thread logs while it
/// ends.
class KeptLog {
public:
    explicit KeptLog(Level level = Level::Debug) : file_(std::tmpfile()) {
        require(file_ != nullptr, "a temporary file can be made");
        session_ = std::make_unique<LogSession>(LogOptions{
            .format = Format::Json, .level = level, .descriptor = ::fileno(file_.get())});
    }

    /// Ends the session; everything that was logged.
    std::string end() {
        session_.reset();
        std::rewind(file_.get());
        std::string text;
        for (int c = std::fgetc(file_.get()); c != EOF; c = std::fgetc(file_.get()))
            text += static_cast<char>(c);
        return text;
    }

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::unique_ptr<std::FILE, Close> file_;
    std::unique_ptr<LogSession> session_;
};

}  // namespace florin::telemetry
