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

// How many connections a worker may have: `configured`, or its share of what the descriptors allow when that
// is 0 (each proxied connection takes two), and a tenth more, since the kernel does not spread them evenly.
[[nodiscard]] std::size_t connections_per_worker(std::size_t configured, std::uint64_t descriptors,
                                                 int workers);

}  // namespace tidegate::gateway
