#include "gateway/observe/escape.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::gateway;
using namespace std::string_literals;

namespace {

template <class Append>
std::string result_of(Append append, std::string_view text) {
  std::string out;
  append(out, text);
  return out;
}

}  // namespace

TEST_CASE("log text is escaped as nginx escapes by default") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "-"},
      {"plain /text?x=1", "plain /text?x=1"},
      {"a\"b\\c", "a\\x22b\\x5Cc"},
      {"line\r\nbreak\t", "line\\x0D\\x0Abreak\\x09"},
      {"\0"s, "\\x00"},
      {"\x7f\x80\xff", "\\x7F\\x80\\xFF"},
      {"\x1b[31m", "\\x1B[31m"},
      {"~", "~"},
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(result_of(append_log_escaped, text) == expected);
  }
}

TEST_CASE("JSON strings are valid whatever the bytes") {
  const std::pair<std::string, std::string> cases[] = {
      {"", "\"\""},
      {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
      {"\n\r\t\x01\x7f", "\"\\n\\r\\t\\u0001\\u007F\""},
      {"\0"s, "\"\\u0000\""},
      {"gr\xc3\xbc\xc3\x9f", "\"gr\xc3\xbc\xc3\x9f\""},
      {"\xe4\xbd\xa0 \xf0\x9f\x8c\x8a", "\"\xe4\xbd\xa0 \xf0\x9f\x8c\x8a\""},
      {"\xff", "\"\xef\xbf\xbd\""},
      {"a\xc3", "\"a\xef\xbf\xbd\""},                                                // cut sequence
      {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                                  // overlong
      {"\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                  // overlong
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},                  // surrogate
      {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},  // above U+10FFFF
  };
  for (const auto& [text, expected] : cases) {
    CAPTURE(text);
    CHECK(result_of(append_json_string, text) == expected);
  }
}

TEST_CASE("label values are escaped as Prometheus asks") {
  CHECK(result_of(append_label_value, "a\\b\"c\nd") == "\"a\\\\b\\\"c\\nd\"");
  CHECK(result_of(append_label_value, "\xff") == "\"\xef\xbf\xbd\"");
}
