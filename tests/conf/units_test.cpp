#include "conf/units.hpp"

#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::conf;
using namespace std::chrono_literals;

TEST_CASE("durations are read with their units") {
  struct Row {
    std::string_view text;
    Duration expected;
  };
  const std::vector<Row> rows{
      {"250ms", 250ms},
      {"10s", 10s},
      {"5m", 5min},
      {"1h", 1h},
      {"1h30m", 90min},
      {"1d", 24h},
      {"1m1s1ms", 61'001ms},
      {"0", 0ms},
      {"0s", 0ms},
      {"007s", 7s},
      {"1d2h3m4s5ms", 24h + 2h + 3min + 4s + 5ms},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == row.expected);
    CHECK(*parse_duration(duration_text(*parsed)) == row.expected);
  }
}

TEST_CASE("a duration that cannot be meant is refused with what to write") {
  struct Row {
    std::string_view text;
    std::string_view why;
  };
  const std::vector<Row> rows{
      {"10", "write `10s` for seconds or `10ms` for milliseconds"},
      {"", "expected a duration"},
      {"s", "expected a duration"},
      {"ten seconds", "expected a duration"},
      {"10 s", "expected a duration"},
      {"-1s", "expected a duration"},
      {"1.5s", "expected a duration"},
      {"10sec", "expected a duration"},
      {"1m1h", "expected a duration"},
      {"1s1s", "expected a duration"},
      {"1h30", "write `30s` for seconds"},
      {"99999999999999999999s", "too long"},
      {"1000000001d", "too long"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_duration(row.text);
    REQUIRE(parsed.has_error());
    CHECK(parsed.error().why.find(row.why) != std::string::npos);
  }
}

TEST_CASE("durations are written in the shortest way") {
  CHECK(duration_text(0ms) == "0s");
  CHECK(duration_text(250ms) == "250ms");
  CHECK(duration_text(60s) == "1m");
  CHECK(duration_text(90min) == "1h30m");
  CHECK(duration_text(24h) == "1d");
}

TEST_CASE("sizes are read in powers of 1024") {
  struct Row {
    std::string_view text;
    std::uint64_t expected;
  };
  const std::vector<Row> rows{{"0", 0},        {"1000", 1000},    {"64k", 65'536},
                              {"64K", 65'536}, {"1m", 1'048'576}, {"2g", 2'147'483'648ULL}};
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const auto parsed = parse_size(row.text);
    REQUIRE(parsed.has_value());
    CHECK(*parsed == row.expected);
    CHECK(*parse_size(size_text(*parsed)) == row.expected);
  }
  for (const std::string_view text :
       {"", "k", "64kb", "64KiB", "1.5m", "-1", "1t", "99999999999999999999", "18446744073709551615g"}) {
    CAPTURE(text);
    CHECK(parse_size(text).has_error());
  }
}

TEST_CASE("texts in messages are short and printable") {
  CHECK(quote("a\nb") == "`a?b`");
  CHECK(quote(std::string(200, 'x')).size() == 80 + 5);
}
