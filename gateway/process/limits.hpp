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

// Bytes of memory the process may use: the smaller of what the machine has and its cgroup's `memory.max`.
[[nodiscard]] std::uint64_t usable_memory();

// How many bytes of buffers a worker may have: its share of `configured`, or of half of `memory` when that is
// 0.
[[nodiscard]] std::size_t buffer_bytes_per_worker(std::uint64_t configured, std::uint64_t memory,
                                                  int workers);

}  // namespace tidegate::gateway
