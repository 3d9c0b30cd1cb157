#include "gateway/observe/timestamp.hpp"

#include <stdlib.h>
#include <time.h>

#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;

namespace {

// Sets the zone of the process and puts the old one back.
class Zone {
 public:
  explicit Zone(const char* name) : had_(::getenv("TZ") != nullptr), before_(had_ ? ::getenv("TZ") : "") {
    set(name);
  }
  ~Zone() {
    if (had_) {
      set(before_.c_str());
    } else {
      ::unsetenv("TZ");
      ::tzset();
    }
  }

 private:
  static void set(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  const bool had_;
  const std::string before_;
};

std::string local(std::chrono::system_clock::time_point at) {
  std::string out;
  append_time_local(out, at);
  return out;
}

}  // namespace

TEST_CASE("time_local is nginx's, with the offset of the zone") {
  // Different seconds: the last one is remembered.
  {
    const Zone zone("UTC0");
    CHECK(local(sample_time()) == "01/May/2024:08:00:00 +0000");
    CHECK(local(sample_time() + milliseconds(800)) == "01/May/2024:08:00:00 +0000");
  }
  {
    const Zone zone("ZZZ-5:30");
    CHECK(local(sample_time() + std::chrono::seconds(1)) == "01/May/2024:13:30:01 +0530");
  }
  {
    const Zone zone("ZZZ3:30");
    CHECK(local(sample_time() + std::chrono::seconds(2)) == "01/May/2024:04:30:02 -0330");
  }
}

TEST_CASE("RFC 3339 in UTC with milliseconds") {
  std::string out;
  append_rfc3339(out, sample_time());
  CHECK(out == "2024-05-01T08:00:00.123Z");
  out.clear();
  append_rfc3339(out, std::chrono::system_clock::time_point{});
  CHECK(out == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("durations are seconds with milliseconds") {
  const std::pair<microseconds, std::string> cases[] = {
      {microseconds(0), "0.000"},  {microseconds(999), "0.000"},          {microseconds(1'500), "0.001"},
      {milliseconds(12), "0.012"}, {std::chrono::hours(25), "90000.000"}, {microseconds(-5), "0.000"},
  };
  for (const auto& [duration, expected] : cases) {
    std::string out;
    append_seconds(out, duration);
    CHECK(out == expected);
  }
}
