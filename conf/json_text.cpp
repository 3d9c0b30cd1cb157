#include "conf/json_text.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tidegate::conf {

namespace {

namespace json = boost::json;

void append(std::string& out, const json::value& value, std::size_t depth);

void append_line_start(std::string& out, std::size_t depth, bool first) {
  out += first ? "\n" : ",\n";
  out.append(2 * depth, ' ');
}

void append_object(std::string& out, const json::object& object, std::size_t depth) {
  out += '{';
  bool first = true;
  for (const auto& member : object) {
    append_line_start(out, depth + 1, first);
    out += json::serialize(json::value(member.key())) + ": ";
    append(out, member.value(), depth + 1);
    first = false;
  }
  out += '\n';
  out.append(2 * depth, ' ');
  out += '}';
}

void append_array(std::string& out, const json::array& array, std::size_t depth) {
  out += '[';
  bool first = true;
  for (const auto& item : array) {
    append_line_start(out, depth + 1, first);
    append(out, item, depth + 1);
    first = false;
  }
  out += '\n';
  out.append(2 * depth, ' ');
  out += ']';
}

void append(std::string& out, const json::value& value, std::size_t depth) {
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    return append_object(out, *object, depth);
  }
  const auto* array = value.if_array();
  const auto nested = [](const json::value& item) { return item.is_structured(); };
  if (array != nullptr && std::any_of(array->begin(), array->end(), nested)) {
    return append_array(out, *array, depth);
  }
  out += json::serialize(value);
}

}  // namespace

std::string indented_json(const json::value& value) {
  std::string out;
  append(out, value, 0);
  out += '\n';
  return out;
}

}  // namespace tidegate::conf
