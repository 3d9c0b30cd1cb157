#include "tests/prove/programs.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <vector>

#include <unistd.h>

namespace tidegate::prove {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> search_directories() {
  std::vector<fs::path> found;
  std::error_code error;
  const auto here = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (!error) {
    // Installed side by side, or as laid out by the build: <build>/tests/prove, <build>/gateway,
    // <build>/examples.
    const auto build = here.parent_path().parent_path();
    for (const auto& directory : {here, build / "gateway", build / "examples", build / "bin"}) {
      found.push_back(directory);
    }
  }
  const char* path = std::getenv("PATH");
  std::istringstream entries(path == nullptr ? "" : path);
  for (std::string entry; std::getline(entries, entry, ':');) found.emplace_back(entry);
  // nginx and haproxy live where the PATH of an ordinary user does not lead.
  for (const char* directory : {"/usr/local/sbin", "/usr/sbin", "/sbin"}) found.emplace_back(directory);
  if (const char* home = std::getenv("HOME")) found.push_back(fs::path(home) / "go" / "bin");
  return found;
}

bool is_program(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string find_program(const std::string& name, const std::string& advice) {
  if (name.find('/') != std::string::npos) {
    if (is_program(name)) return fs::absolute(name).string();
    throw Missing(name + " is no program that can be run");
  }
  for (const auto& directory : search_directories()) {
    if (is_program(directory / name)) return fs::absolute(directory / name).string();
  }
  throw Missing(name + " is missing: " + advice);
}

std::string default_k6_script() {
  return TIDEGATE_K6_SCRIPT;
}

}  // namespace tidegate::prove
