#include "gateway/process/limits.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

namespace tidegate::gateway {
namespace {

constexpr std::uint64_t kOwnDescriptors = 256;  // logs, listeners, admin, probes, pools

// Cores by cgroup v2's `cpu.max` ("QUOTA PERIOD" or "max PERIOD"); 0 if there is no bound.
int cgroup_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  try {
    return static_cast<int>(std::ceil(std::stod(quota) / period));
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = 1;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  if (const int bound = cgroup_cores(); bound > 0) cores = std::min(cores, bound);
  return std::max(cores, 1);
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

std::size_t connections_per_worker(std::size_t configured, std::uint64_t descriptors, int workers) {
  if (configured != 0) return configured;
  const auto left = descriptors > 2 * kOwnDescriptors ? descriptors - kOwnDescriptors : kOwnDescriptors;
  const auto pairs = static_cast<std::size_t>(left / 2);
  if (workers <= 1) return pairs;
  return pairs * 11 / 10 / static_cast<std::size_t>(workers);
}

std::uint64_t usable_memory() {
  const auto pages = ::sysconf(_SC_PHYS_PAGES);
  const auto page = ::sysconf(_SC_PAGESIZE);
  const bool known = pages > 0 && page > 0;
  const auto machine = known ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page)
                             : std::numeric_limits<std::uint64_t>::max();
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::uint64_t bound = 0;
  return file >> bound && bound > 0 ? std::min(machine, bound) : machine;  // `max` is no number
}

std::size_t buffer_bytes_per_worker(std::uint64_t configured, std::uint64_t memory, int workers) {
  const auto all = configured != 0 ? configured : memory / 2;
  return static_cast<std::size_t>(all / static_cast<std::uint64_t>(std::max(workers, 1)));
}

}  // namespace tidegate::gateway
