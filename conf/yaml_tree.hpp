// A YAML document as a tree of values with places, built from yaml-cpp's events. The events and not its
// nodes, because the nodes take the last of two equal keys in silence and let aliases multiply without bound.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config_error.hpp"

namespace tidegate::conf {

// What a hostile or broken file may cost: these bound time and memory of everything that walks the tree.
struct YamlBounds {
  std::size_t bytes = 4 * 1024 * 1024;
  std::size_t values = 400'000;  // aliases counted as what they stand for
  std::size_t depth = 32;
};

struct YamlValue {
  enum class Kind { null, scalar, sequence, map };
  struct Entry {
    std::string key;
    int line = 0;
    int column = 0;
    const YamlValue* value = nullptr;
  };

  Kind kind = Kind::null;
  bool quoted = false;  // a scalar in quotes, or a block scalar: never a number or a boolean
  int line = 0;
  int column = 0;
  std::size_t weight = 1;  // values in this tree, aliases expanded
  std::string text;
  std::vector<const YamlValue*> items;
  std::vector<Entry> entries;

  // `a list`, `a map`, `nothing` or the scalar in backquotes, for messages.
  [[nodiscard]] std::string shape() const;
  [[nodiscard]] const YamlValue* find(std::string_view key) const;
};

// A key as a step of a path: without control characters and not endlessly long.
[[nodiscard]] std::string path_step(std::string_view key);

class YamlTree {
 public:
  // Parses the one document of `text`; faults (of syntax, and equal keys in one map) are added. After a fault
  // of syntax the tree is empty.
  static YamlTree parse(std::string_view text, FaultList& faults, const YamlBounds& bounds = {});

  // Null for an empty file, or after a fault of syntax.
  [[nodiscard]] const YamlValue* root() const { return root_; }

  // The value at `path` (`routes[0].path`, `upstreams.a.b.timeouts`: keys may contain dots), or null.
  [[nodiscard]] const YamlValue* locate(std::string_view path) const;

 private:
  friend class YamlTreeBuilder;
  std::deque<YamlValue> values_;  // a deque: pointers into it stay valid, moved trees too
  const YamlValue* root_ = nullptr;
};

}  // namespace tidegate::conf
