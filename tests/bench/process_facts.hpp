// What Linux tells about a process and its children, from /proc.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace tidegate::bench {

// The process and all its descendants.
[[nodiscard]] std::vector<pid_t> family_of(pid_t process);
struct ProcessorTime {
  std::chrono::duration<double> user{0};    // in ticks of the kernel, mostly 10 ms
  std::chrono::duration<double> system{0};  // likewise
  std::chrono::duration<double> total{0};   // in nanoseconds

  ProcessorTime operator-(const ProcessorTime& before) const {
    return {user - before.user, system - before.system, total - before.total};
  }
};
// Spent so far by all of them together.
[[nodiscard]] ProcessorTime processor_time(const std::vector<pid_t>& processes);
// Memory of their own that no file backs, in bytes (RssAnon).
[[nodiscard]] std::uint64_t anonymous_bytes(const std::vector<pid_t>& processes);
// The resident part of `[heap]` (brk), in bytes; memory that threads map for themselves is not in it.
[[nodiscard]] std::uint64_t heap_bytes(const std::vector<pid_t>& processes);
// Open file descriptors.
[[nodiscard]] std::size_t open_descriptors(pid_t process);

}  // namespace tidegate::bench
