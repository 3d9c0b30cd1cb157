#include "tests/wire/http/head_parsing.hpp"

using namespace tidegate::http;
using namespace tidegate::tests;
using namespace std::string_view_literals;

TEST_CASE("RFC 9112 4: valid response heads") {
  struct Row {
    const char* name;
    std::string_view text;
    std::string_view words;
  };
  const Row rows[] = {
      {"plain", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "1.1 200 OK|A=b"},
      {"HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\n", "1.0 404 Not Found"},
      {"no reason", "HTTP/1.1 200 \r\n\r\n", "1.1 200 "},
      {"no space before the absent reason", "HTTP/1.1 200\r\n\r\n", "1.1 200 "},
      {"reason with tab and obs-text", "HTTP/1.1 599 a\tb \xc3\xa9\r\n\r\n", "1.1 599 a\tb \xc3\xa9"},
      {"lowest status", "HTTP/1.1 100 Continue\r\n\r\n", "1.1 100 Continue"},
      {"no rule about Host", "HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c\r\n\r\n", "1.1 200 OK|Host=a b|Host=c"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    check_accepted<ResponseHead>(row.text, row.words);
    check_accepted<ResponseHead>(row.text, row.words, {}, "HTTP/1.1 200 OK\r\n\r\nbody\n\n");
  }
}

TEST_CASE("RFC 9112 4: malformed response heads are refused") {
  struct Row {
    const char* name;
    std::string_view text;
    HeadError error;
  };
  const Row rows[] = {
      {"no status", "HTTP/1.1\r\n\r\n", HeadError::bad_status_line},
      {"no status after the space", "HTTP/1.1 \r\n\r\n", HeadError::bad_status_line},
      {"two digits", "HTTP/1.1 20\r\n\r\n", HeadError::bad_status_line},
      {"four digits", "HTTP/1.1 2000 OK\r\n\r\n", HeadError::bad_status_line},
      {"letters", "HTTP/1.1 2x0 OK\r\n\r\n", HeadError::bad_status_line},
      {"sign", "HTTP/1.1 -20 OK\r\n\r\n", HeadError::bad_status_line},
      {"status 099", "HTTP/1.1 099 Low\r\n\r\n", HeadError::bad_status_line},
      {"status 600", "HTTP/1.1 600 High\r\n\r\n", HeadError::bad_status_line},
      {"two spaces", "HTTP/1.1  200 OK\r\n\r\n", HeadError::bad_status_line},
      {"tab", "HTTP/1.1\t200 OK\r\n\r\n", HeadError::bad_status_line},
      {"control byte in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", HeadError::bad_status_line},
      {"bare return in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", HeadError::bare_carriage_return},
      {"lower case", "http/1.1 200 OK\r\n\r\n", HeadError::bad_status_line},
      {"another protocol", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", HeadError::bad_status_line},
      {"empty line in front", "\r\nHTTP/1.1 200 OK\r\n\r\n", HeadError::bad_status_line},
      {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", HeadError::unsupported_version},
      {"bare line feed", "HTTP/1.1 200 OK\nA: b\r\n\r\n", HeadError::bare_line_feed},
      {"folding", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", HeadError::obsolete_folding},
      {"space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
       HeadError::space_before_colon},
      {"empty name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", HeadError::bad_field_name},
      {"NUL in a value", "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"sv, HeadError::bad_field_value},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    check_refused<ResponseHead>(row.text, row.error);
  }
}
