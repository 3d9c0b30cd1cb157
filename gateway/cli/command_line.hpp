// The program's command line.
#pragma once

namespace tidegate::gateway {

// Runs what the arguments ask for and returns the exit status: 0, 1 for a configuration or start-up error, 2
// for wrong arguments.
[[nodiscard]] int run_command_line(int argc, char** argv);

}  // namespace tidegate::gateway
