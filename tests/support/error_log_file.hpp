// The error log of a gateway under test, in a file that goes with the object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

#include "tests/support/patience.hpp"

namespace tidegate::test {

class ErrorLogFile {
 public:
  ErrorLogFile() : path_((std::filesystem::temp_directory_path() / "error-log-XXXXXX").string()) {
    ::close(::mkstemp(path_.data()));
  }
  ~ErrorLogFile() { std::filesystem::remove(path_); }
  ErrorLogFile(const ErrorLogFile&) = delete;
  ErrorLogFile& operator=(const ErrorLogFile&) = delete;

  // A line of YAML.
  [[nodiscard]] std::string yaml() const { return "log: { error: { path: " + path_ + " } }\n"; }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path_).rdbuf();
    return out.str();
  }
  void wait_for(const std::string& words) const {
    wait_until("the log to say: " + words, [&] { return text().find(words) != std::string::npos; });
  }

 private:
  std::string path_;
};

}  // namespace tidegate::test
