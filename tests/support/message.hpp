// HTTP messages as a test sees them: read strictly, every field kept in order.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidegate::test {

struct Message {
  std::string head;  // as received, with its empty line
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;      // decoded
  std::string trailers;  // as received, without the empty line
  bool chunked = false;

  // The first value of a field (names in any case), or "".
  [[nodiscard]] std::string field(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return count(name) > 0; }
};

struct Answer : Message {
  int status = 0;
  std::string version;  // "HTTP/1.1"
};

struct Request : Message {
  std::string method;
  std::string target;
};

// Both throw Unexpected for what is not a head.
[[nodiscard]] Answer parse_answer_head(std::string head);
[[nodiscard]] Request parse_request_head(std::string head);

}  // namespace tidegate::test
