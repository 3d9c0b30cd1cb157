// What the machine and its owner allow this process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidegate::gateway {

// The cores the process may use: the smaller of its CPU affinity and its cgroup's `cpu.max` (rounded up), at
// least 1.
[[nodiscard]] int usable_cores();

// Raises the soft limit of descriptors to the hard one and returns what is in force.
std::uint64_t raise_descriptor_limit();

// How many connections a worker may have: `configured`, or what the descriptors allow when that is 0 (each
// proxied connection takes two). The kernel spreads connections unevenly, so that bound is the whole
// process's for each worker.
[[nodiscard]] std::size_t connections_per_worker(std::size_t configured, std::uint64_t descriptors);

}  // namespace tidegate::gateway
