// What a reload trial saw, and the judgement on it. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "tests/prove/drain_record.hpp"
#include "tests/prove/report.hpp"
#include "tests/prove/web_load.hpp"

namespace tidegate::prove {

// Of the gateway's process.
struct ProcessSize {
  std::size_t descriptors = 0;
  std::uint64_t bytes = 0;  // of memory that no file backs
};

struct ReloadRecord {
  int reloads = 0;  // each has succeeded, or the trial had ended
  std::chrono::milliseconds planned{0};
  std::chrono::milliseconds time{0};     // from the first order to the last one's end
  std::chrono::milliseconds slowest{0};  // from the order to its end
  ProcessSize before;                    // after the reloads that warm up
  ProcessSize after;
  long last_serial = 0;  // of the certificate that the gateway was given last
};

// Not `timed`: the time is shown and not judged.
[[nodiscard]] std::vector<Check> judge(const ReloadRecord& record, const WebCounts& web, bool timed);
// Nobody was closed.
[[nodiscard]] Check judge_staying(const DrainRecord& record, std::uint64_t clients);
// Each of them was closed once, by the Close of that cause.
[[nodiscard]] Check judge_leaving(const DrainRecord& record, std::uint64_t clients);

}  // namespace tidegate::prove
