// What the user reads: the live line, the table and the verdict.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/prove/hop.hpp"
#include "tests/prove/options.hpp"
#include "tests/prove/tally.hpp"

namespace tidegate::prove {

// One more thing that had to hold in a trial, with the figures it was judged by.
struct Check {
  std::string what;
  bool holds = false;
};

struct RunResult {
  std::optional<Tally> tally;  // none if the clients were k6's, which prints its own
  std::vector<Check> checks;
  std::optional<HiddenWork> hidden;
  std::chrono::microseconds hop_time{0};  // processor time of the hop, start and end included
  std::size_t restarts = 0;

  [[nodiscard]] bool passed() const;
};

// One line that says what is about to run.
[[nodiscard]] std::string headline(const Options& options);
[[nodiscard]] std::string table(const RunResult& result);
// The verdict over all runs.
[[nodiscard]] std::string summary(const Options& options, const std::vector<RunResult>& results);

// The line that is written over while a run lasts. On anything but a terminal only events are printed, and
// the line every five seconds.
class Progress {
 public:
  explicit Progress(std::chrono::seconds total);
  void begin(std::chrono::steady_clock::time_point began) { began_ = began; }
  void event(const std::string& what);
  void show(const Tally& tally);
  void clear() const;

 private:
  [[nodiscard]] double elapsed() const;

  std::chrono::seconds total_;
  std::chrono::steady_clock::time_point began_{};
  std::chrono::steady_clock::time_point next_{};
  bool terminal_ = false;
  std::string last_event_;
};

}  // namespace tidegate::prove
