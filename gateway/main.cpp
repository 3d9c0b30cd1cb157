#include "gateway/cli/command_line.hpp"

int main(int argc, char** argv) {
  return tidegate::gateway::run_command_line(argc, argv);
}
