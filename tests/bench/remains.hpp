// What the gateway holds of its clients, and whether all of it is given back once they are gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "tests/bench/hop.hpp"
#include "tests/bench/table.hpp"

namespace tidegate::bench {

struct Remains {
  double tunnels = 0;
  double connections = 0;
  double buffered = 0;  // bytes
  double places = 0;    // in use at the endpoint
  std::size_t descriptors = 0;
  double memory_kib = 0;
};

// The sum over all label sets of a metric. Throws std::runtime_error if /metrics has none of that name.
[[nodiscard]] double sum_of(const Hop& hop, const std::string& name);

// A table of looks at the gateway, the first of them at the start: after it has served a few clients, so that
// what is made once is made.
class Aftermath {
 public:
  explicit Aftermath(const Hop& hop);

  // Adds a row for this moment.
  void note(const char* when);
  // Waits until nothing is left that was not there at the start, and prints the table with the time that took
  // since `gone`. Throws std::runtime_error if something is left after 30 s.
  void expect_nothing_left(std::chrono::steady_clock::time_point gone);

 private:
  void add_row(const char* when, const Remains& seen);
  [[nodiscard]] bool nothing_left(const Remains& now) const;

  const Hop& hop_;
  Table table_;
  Remains start_;
};

}  // namespace tidegate::bench
