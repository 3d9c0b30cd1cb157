// How long an API server is left alone after it could not be asked. Pure.
#pragma once

#include <chrono>

namespace tidegate::upstream {

// From 200 ms after the first failure in a row, doubling, to 30 s. `jitter` is drawn evenly from 0 to 1: it
// spreads the gateways of a cluster whose API server has come up again, over as much again as they waited for
// at least, and never beyond those 30 s.
[[nodiscard]] std::chrono::milliseconds back_off(int failures, double jitter);

}  // namespace tidegate::upstream
