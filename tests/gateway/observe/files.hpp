// Files of a test, and waiting for what other threads do.
#pragma once

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <poll.h>

#include "tests/support/temporary_folder.hpp"

namespace tidegate::gateway {

using test::TemporaryFolder;

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// What the exception that `call` throws says; empty if it throws none.
template <class Call>
std::string complaint_of(Call&& call) {
  try {
    call();
  } catch (const std::exception& exception) {
    return exception.what();
  }
  return {};
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Looks every few milliseconds until the condition holds; false after ten seconds.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

}  // namespace tidegate::gateway
