// Prometheus' text format (exposition format 0.0.4), written piece by piece.
#pragma once

#include <array>
#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/observe/escape.hpp"

namespace tidegate::gateway {

using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

// Writes families and samples; a sample belongs to the family written last.
class Exposition {
 public:
  explicit Exposition(std::string& out) : out_(out) {}

  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += "# HELP ";
    out_ += name;
    out_ += ' ';
    out_ += help;
    out_ += "\n# TYPE ";
    out_ += name;
    out_ += ' ';
    out_ += type;
    out_ += '\n';
  }
  void sample(Labels labels, auto value, std::string_view suffix = {}) {
    out_ += name_;
    out_ += suffix;
    char separator = '{';
    for (const auto& [name, text] : labels) {
      out_ += std::exchange(separator, ',');
      out_ += name;
      out_ += '=';
      append_label_value(out_, text);
    }
    if (labels.size() > 0) out_ += '}';
    out_ += ' ';
    append_number(out_, value);
    out_ += '\n';
  }
  // A family with one sample without labels.
  void single(std::string_view name, std::string_view type, std::string_view help, auto value) {
    family(name, type, help);
    sample({}, value);
  }

  static void append_number(std::string& out, auto value) {
    std::array<char, 32> text;
    out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr);
  }

 private:
  std::string& out_;
  std::string_view name_;
};

// Adds up what `get` gives for each worker's row.
template <class Rows, class Get>
auto sum(const Rows& rows, Get&& get) {
  decltype(get(rows.worker(0)).value()) total{};
  for (std::size_t i = 0; i < rows.workers(); ++i) total += get(rows.worker(i)).value();
  return total;
}

}  // namespace tidegate::gateway
