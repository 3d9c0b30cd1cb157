// A configuration may be broken or hostile: reading it ends in bounded time with an error, never with a
// crash.

#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <vector>

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string full_example() {
  std::ifstream stream(TIDEGATE_EXAMPLES "/edge.yaml");
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("aliases that multiply are refused") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + repeated(", " + last, 8) + "]\n";
  }
  CHECK(errors_of(bomb).find("too many values") != std::string::npos);
}

TEST_CASE("an alias inside its own anchor is refused") {
  CHECK(errors_of("a: &a [*a]\n").find("an alias inside of what it stands for") != std::string::npos);
  CHECK(errors_of("&a\nlisteners: *a\n").find("t.yaml:2:12") == 0);
}

TEST_CASE("deep nesting is refused") {
  for (const std::string_view open : {"[", "{a: ", "- ", "? ", "{", "a: [", "&x [", "!!t [", "[[{"}) {
    CAPTURE(open);
    CHECK(!errors_of(repeated(open, 40)).empty());
    CHECK(!errors_of(repeated(open, 100'000)).empty());
  }
  std::string indented;
  for (std::size_t i = 0; i < 1000; ++i) indented += std::string(i, ' ') + "a:\n";
  CHECK(errors_of(indented).find("nested too deeply") != std::string::npos);
}

TEST_CASE("large files are refused or read in bounded time") {
  CHECK(errors_of(std::string(5 * 1024 * 1024, '#')).find("larger than 4m") != std::string::npos);
  const std::vector<std::string> texts{
      repeated("zzz", 1'000'000),    repeated("a: 1\n", 200'000),   repeated("- a\n", 200'000),
      repeated("---\n", 100'000),    repeated("# c\n", 200'000),    repeated("%TAG ! a\n", 10'000),
      repeated("\"", 100'001),       repeated("'a' ", 50'000),      "a: |\n" + repeated("  x\n", 200'000),
      repeated("&a", 50'000),        repeated("*a ", 50'000),       repeated("!a ", 50'000),
      "[" + repeated("a,", 300'000), "{" + repeated("a,", 300'000), repeated("a:\n", 100'000),
      repeated("\n", 1'000'000),     repeated("\t", 10'000),        repeated("? a\n", 50'000),
  };
  for (const auto& text : texts) {
    CAPTURE(text.substr(0, 20));
    const auto start = std::chrono::steady_clock::now();
    CHECK(!errors_of(text).empty());
    // Seconds even under sanitizers on a busy machine; the point is that nothing is quadratic.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
  }
}

TEST_CASE("many wrong references are reported in bounded time") {
  std::string text = "listeners: [\":80\"]\nupstreams:\n";
  for (int i = 0; i < 20'000; ++i) text += "  u" + std::to_string(i) + ": {endpoints: [\"h:1\"]}\n";
  text += "routes:\n";
  for (int i = 0; i < 20'000; ++i) text += "  - {path: /" + std::to_string(i) + ", upstream: x}\n";
  const ReadResult result = read_yaml(text, "t.yaml");
  CHECK(std::get<ConfigErrors>(result).size() == FaultList::most);
}

TEST_CASE("faults are counted out") {
  std::string text = "listeners: [\":80\"]\nupstreams: {a: {endpoints: [\"10.0.0.1:1\"]}}\n";
  for (int i = 0; i < 5000; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  const ReadResult result = read_yaml(text, "t.yaml");
  const auto& errors = std::get<ConfigErrors>(result);
  REQUIRE(errors.size() == FaultList::most);
  CHECK(errors.back().message.find("there are more faults") != std::string::npos);
}

TEST_CASE("bytes that are not text are refused with their place") {
  CHECK(errors_of(std::string("a: b\nc: \0d\n", 11)).find("t.yaml:2:4: a byte (0) that no text has") == 0);
  CHECK(errors_of("a: \x1b[0m\n").find("t.yaml:1:4: a byte (27) that no text has") == 0);
  CHECK(errors_of("a: \xff\xfe\n").find("t.yaml:1:4: a byte (255) that no text has") == 0);
  CHECK(errors_of("a: \xed\xa0\x80\n").find("t.yaml:1:4: a byte (237)") == 0);
  CHECK(errors_of("a: \xc3").find("t.yaml:1:4: a byte (195)") == 0);
}

TEST_CASE("every beginning of a file is read without a crash") {
  const std::string whole = full_example();
  REQUIRE(whole.size() > 1000);
  for (std::size_t length = 0; length < whole.size(); length += 3) {
    (void)read_yaml(std::string_view(whole).substr(0, length), "t.yaml");
  }
  SUCCEED();
}

TEST_CASE("random damage is read without a crash") {
  const std::string whole = full_example();
  std::mt19937 random(20'231'001);
  const std::string bytes = " \n:-[]{},&*!|>'\"%@`#?\\\t0aA~=<";
  for (int round = 0; round < 1500; ++round) {
    std::string damaged = whole;
    const auto hits = 1 + random() % 8;
    for (std::size_t hit = 0; hit < hits; ++hit) {
      const std::size_t at = random() % damaged.size();
      const std::size_t length = 1 + random() % 30;
      switch (random() % 4) {
        case 0: damaged[at] = bytes[random() % bytes.size()]; break;
        case 1: damaged.erase(at, length); break;
        case 2: damaged.insert(at, 1, bytes[random() % bytes.size()]); break;
        default: damaged.insert(at, damaged.substr(random() % damaged.size(), length)); break;
      }
      if (damaged.empty()) damaged = "a";
    }
    (void)read_yaml(damaged, "t.yaml");
  }
  for (int round = 0; round < 1500; ++round) {
    std::string noise(random() % 200, ' ');
    for (char& c : noise) c = bytes[random() % bytes.size()];
    (void)read_yaml(noise, "t.yaml");
  }
  SUCCEED();
}
