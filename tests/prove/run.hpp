// One run: pods, hop and clients started, the trial held, everything ended.
#pragma once

#include <stdexcept>
#include <string>

#include "tests/prove/options.hpp"
#include "tests/prove/report.hpp"

namespace tidegate::prove {

// The user's interrupt; what was started has been ended.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

// Performs one run; `number` counts from 1. Throws Missing, Interrupted or std::runtime_error.
[[nodiscard]] RunResult run_once(const Options& options, int number);

}  // namespace tidegate::prove
