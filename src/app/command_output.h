#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "app/command_line.h"

namespace florin::app {

/// What a command of a test printed, and how it ended.
struct CommandOutput {
    int code = 0;
    std::string out;
    std::string err;
};

/// Runs a command that needs no server of its own, as `main` does.
inline CommandOutput output_of(const std::vector<std::string>& arguments) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    CommandOutput output;
    try {
        output.code = run_command_line(arguments, {.serve = nullptr});
    } catch (const std::exception& thrown) {
        output.code = exit_failure;
        output.err = thrown.what();
    }
    output.out = ::testing::internal::GetCapturedStdout();
    output.err += ::testing::internal::GetCapturedStderr();
    return output;
}

}  // namespace florin::app
