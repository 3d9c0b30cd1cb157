#include "tests/bench/process_facts.hpp"

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

namespace tidegate::bench {
namespace {

namespace fs = std::filesystem;

std::string proc(pid_t process, const char* file) {
  return "/proc/" + std::to_string(process) + "/" + file;
}

// The number behind `name` in lines such as `RssAnon:  123 kB`, in bytes.
std::uint64_t kilobytes(std::istream& lines, const std::string& name) {
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(name, 0) == 0) return std::stoull(line.substr(name.size())) * 1024;
  }
  return 0;
}

// clock_getcpuclockid(3).
std::chrono::duration<double> on_its_clock(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return {};
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

std::vector<pid_t> family_of(pid_t process) {
  std::vector<pid_t> family{process};
  for (std::size_t i = 0; i < family.size(); ++i) {
    std::error_code error;
    for (const auto& task : fs::directory_iterator(proc(family[i], "task"), error)) {
      std::ifstream children(task.path() / "children");
      for (pid_t child = 0; children >> child;) family.push_back(child);
    }
  }
  return family;
}

ProcessorTime processor_time(const std::vector<pid_t>& processes) {
  static const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessorTime sum;
  for (const auto process : processes) {
    std::ifstream file(proc(process, "stat"));
    std::string text;
    std::getline(file, text);
    // The name in brackets may contain blanks; utime and stime are the 12th and 13th field behind it.
    std::istringstream fields(text.substr(text.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0;  // ticks
    double system = 0;
    fields >> user >> system;
    sum.user += std::chrono::duration<double>(user / ticks_per_second);
    sum.system += std::chrono::duration<double>(system / ticks_per_second);
    sum.total += on_its_clock(process);
  }
  return sum;
}

std::uint64_t anonymous_bytes(const std::vector<pid_t>& processes) {
  std::uint64_t sum = 0;
  for (const auto process : processes) {
    std::ifstream status(proc(process, "status"));
    sum += kilobytes(status, "RssAnon:");
  }
  return sum;
}

std::uint64_t heap_bytes(const std::vector<pid_t>& processes) {
  std::uint64_t sum = 0;
  for (const auto process : processes) {
    std::ifstream maps(proc(process, "smaps"));
    for (std::string line; std::getline(maps, line);) {
      if (!line.ends_with("[heap]")) continue;
      sum += kilobytes(maps, "Rss:");
      break;
    }
  }
  return sum;
}

std::size_t open_descriptors(pid_t process) {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = fs::directory_iterator(proc(process, "fd"), error); !error && it != fs::end(it);
       it.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace tidegate::bench
