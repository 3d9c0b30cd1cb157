#include "conf/config_error.hpp"

namespace tidegate::conf {

std::string ConfigError::text() const {
  std::string out;
  if (!place.file.empty()) out += place.file + ":";
  if (place.line > 0) out += std::to_string(place.line) + ":" + std::to_string(place.column) + ":";
  if (!out.empty()) out += " ";
  if (!path.empty()) out += path + ": ";
  return out + message;
}

void FaultList::add(int line, int column, std::string path, std::string message) {
  explain(path);
  add_missing(line, column, std::move(path), std::move(message));
}

void FaultList::add_missing(int line, int column, std::string path, std::string message) {
  if (full()) return;
  errors_.push_back({{file_, line, column}, std::move(path), std::move(message)});
  if (full()) errors_.back().message += " (there are more faults; these are the first)";
}

}  // namespace tidegate::conf
