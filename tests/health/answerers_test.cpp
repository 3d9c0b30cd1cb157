#include "health/answerers.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::health;

namespace {

// The names of the answer by which it is known that there are several; empty: it is not known.
std::string several(const std::vector<std::string>& names) {
  Answerers answerers;
  std::string found;
  for (const auto& name : names) {
    if (!answerers.are_several(name)) continue;
    CHECK(found.empty());  // told once
    found = answerers.names();
  }
  return found;
}

}  // namespace

TEST_CASE("several pods answer where a name comes back after another") {
  CHECK(several({"a", "b", "a"}) == "a and b");
  CHECK(several({"a", "", "b", "", "a"}) == "a and b");
  CHECK(several({"a", "b", "c", "b"}) == "b and c");
  CHECK(several({"a", "b", "a", "b", "a"}) == "a and b");
}

TEST_CASE("one pod that is replaced, or says nothing of itself, is one") {
  CHECK(several({}).empty());
  CHECK(several({"", "", ""}).empty());
  CHECK(several({"a", "a", "a"}).empty());
  CHECK(several({"a", "a", "b", "b", "c"}).empty());
}

TEST_CASE("names that never come back are forgotten") {
  std::vector<std::string> names;
  for (int number = 0; number < 100; ++number) names.push_back("pod-" + std::to_string(number));
  names.emplace_back("pod-0");
  CHECK(several(names).empty());
  names.emplace_back("pod-98");
  CHECK(several(names) == "pod-98 and pod-0");
}
