#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/serve.h"
#include "app/worker.h"

int main(int argc, char** argv) try {
    const std::vector<std::string> arguments(argv, argv + argc);
    return florin::app::run_command_line(
        arguments, {.serve = florin::app::run_serve, .work = florin::app::run_worker});
} catch (const std::exception& error) {
    std::fprintf(stderr, "florin: %s\n", error.what());
    return florin::app::exit_failure;
}
