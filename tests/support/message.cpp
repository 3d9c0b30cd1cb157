#include "tests/support/message.hpp"

#include <algorithm>

#include <strings.h>

#include "tests/support/patience.hpp"

namespace tidegate::test {
namespace {

bool same_name(const std::string& name, std::string_view other) {
  return name.size() == other.size() && ::strncasecmp(name.c_str(), other.data(), other.size()) == 0;
}

// Takes the start line off and parses the rest into fields.
std::string parse_head(Message& message, std::string head) {
  message.head = std::move(head);
  std::string_view rest = message.head;
  const auto take_line = [&] {
    const auto end = rest.find("\r\n");
    if (end == std::string_view::npos) throw Unexpected("a line without CRLF in: " + message.head);
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return line;
  };
  std::string start(take_line());
  for (auto line = take_line(); !line.empty(); line = take_line()) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) throw Unexpected("a line without a colon in: " + message.head);
    auto value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    message.fields.emplace_back(line.substr(0, colon), value);
  }
  return start;
}

}  // namespace

std::string Message::field(std::string_view name) const {
  for (const auto& [known, value] : fields) {
    if (same_name(known, name)) return value;
  }
  return {};
}

std::size_t Message::count(std::string_view name) const {
  return static_cast<std::size_t>(std::count_if(
      fields.begin(), fields.end(), [&](const auto& field) { return same_name(field.first, name); }));
}

Answer parse_answer_head(std::string head) {
  Answer answer;
  const auto line = parse_head(answer, std::move(head));
  if (line.size() < 12 || !line.starts_with("HTTP/1.")) throw Unexpected("not a status line: " + line);
  answer.version = line.substr(0, 8);
  answer.status = std::stoi(line.substr(9, 3));
  return answer;
}

Request parse_request_head(std::string head) {
  Request request;
  const auto line = parse_head(request, std::move(head));
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string::npos || last <= first) throw Unexpected("not a request line: " + line);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  return request;
}

}  // namespace tidegate::test
