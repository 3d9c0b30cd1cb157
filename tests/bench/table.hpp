// Tables of text with aligned columns.
#pragma once

#include <string>
#include <vector>

namespace tidegate::bench {

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}
  // As many cells as there are heads.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // The first column aligned left, the others right.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// With so many decimals.
[[nodiscard]] std::string number(double value, int decimals);

}  // namespace tidegate::bench
