// Measurements of processor time: the same work through each hop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/bench/hop.hpp"
#include "tests/bench/options.hpp"
#include "tests/bench/process_facts.hpp"

namespace tidegate::bench {

struct Work {
  std::string title;      // above the table
  std::string unit;       // "1,000 requests"
  std::uint64_t count;    // of things done
  std::uint64_t per = 1;  // the unit is so many of them
  // What a client does against a port: `prepare` first, in the same process; only `run` is measured. Both may
  // use state they share by capture, as they run in a process of their own.
  std::function<std::function<void()>(std::uint16_t port)> prepare;
};

struct Cost {
  ProcessorTime processor;  // of the hop
  double wall = 0;          // seconds
};
// Does it once through this hop.
[[nodiscard]] Cost cost_of(const Hop& hop, const Work& work);

// Does it through each hop that is there, `options.rounds` times in turn, and prints the least processor time
// of each.
void compare(const Options& options, const Work& work);

}  // namespace tidegate::bench
