#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gateway/observe/metrics_text.hpp"

namespace tidegate::gateway {

namespace {

std::uint64_t count_descriptors() {
  auto* const directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  std::uint64_t entries = 0;
  while (::readdir(directory) != nullptr) ++entries;
  ::closedir(directory);
  return entries > 3 ? entries - 3 : 0;  // `.`, `..` and the directory's own descriptor
}

// The time of boot in Unix seconds, or 0.
double boot_time() {
  std::ifstream stat("/proc/stat");
  for (std::string line; std::getline(stat, line);) {
    if (line.rfind("btime ", 0) == 0) return std::stod(line.substr(6));
  }
  return 0;
}

// The process's start in seconds after boot (proc(5), field 22 of /proc/PID/stat), or 0.
double start_after_boot() {
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  const auto after_name = line.rfind(')');  // the name may hold blanks and parentheses
  if (after_name == std::string::npos) return 0;
  std::istringstream fields(line.substr(after_name + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  unsigned long long ticks = 0;
  std::from_chars(field.data(), field.data() + field.size(), ticks);
  return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessFacts read_process_facts() {
  ProcessFacts facts;
  facts.open_descriptors = count_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptor_limit = limit.rlim_cur;

  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (std::ifstream statm("/proc/self/statm"); statm >> pages >> resident) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    facts.virtual_bytes = pages * page;
    facts.resident_bytes = resident * page;
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    facts.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  facts.start_time_seconds = boot_time() + start_after_boot();
  return facts;
}

}  // namespace tidegate::gateway
