#include "conf/spelling.hpp"

#include <array>
#include <string>

#include "tests/support/catch.hpp"

using namespace tidegate::conf;

TEST_CASE("edit distance counts inserts, deletions, replacements and swaps") {
  CHECK(edit_distance("balance", "balance") == 0);
  CHECK(edit_distance("balence", "balance") == 1);
  CHECK(edit_distance("blaance", "balance") == 1);
  CHECK(edit_distance("balanc", "balance") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("max_wait", "maxWait") == 0);
  CHECK(edit_distance(std::string(65, 'a'), "a") > 1000);
}

TEST_CASE("the nearest word is offered only if it may be meant") {
  constexpr std::array<std::string_view, 4> known{"listeners", "routes", "upstreams", "admin"};
  CHECK(nearest("listener", known) == "listeners");
  CHECK(nearest("upstream", known) == "upstreams");
  CHECK(nearest("Routes", known) == "routes");
  CHECK(!nearest("certificate", known));
  CHECK(!nearest("", known));
}
