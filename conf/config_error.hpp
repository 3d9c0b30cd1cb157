// One fault of a configuration, as every reader and check reports it, and the list a reader collects.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::conf {

// `path` is the field's place in the tree (`upstreams.soketi.balance`); `message` says what is wrong and what
// to write instead.
struct ConfigError {
  Place place;
  std::string path;
  std::string message;

  // `FILE:LINE:COLUMN: PATH: MESSAGE`; parts that are unknown are left out.
  [[nodiscard]] std::string text() const;
};

using ConfigErrors = std::vector<ConfigError>;

// The faults of one file. Bounded, so that a broken file of megabytes gives a readable answer in short time.
class FaultList {
 public:
  static constexpr std::size_t most = 100;

  explicit FaultList(std::string file) : file_(std::move(file)) {}

  void add(int line, int column, std::string path, std::string message);
  // A fault of the object at `path` that does not touch the keys it has.
  void add_missing(int line, int column, std::string path, std::string message);
  // Notes that what is missing or wrong at `path` follows from a fault that has been added; every fault
  // explains its own path.
  void explain(std::string path) { explained_.push_back(std::move(path)); }
  [[nodiscard]] const std::vector<std::string>& explained() const { return explained_; }
  [[nodiscard]] bool full() const { return errors_.size() >= most; }
  [[nodiscard]] const ConfigErrors& errors() const { return errors_; }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
  ConfigErrors errors_;
  std::vector<std::string> explained_;
};

}  // namespace tidegate::conf
