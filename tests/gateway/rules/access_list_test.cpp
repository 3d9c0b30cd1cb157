#include "gateway/process/access_list.hpp"

#include <string_view>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate;
using gateway::AccessList;

TEST_CASE("the first rule that has the address decides") {
  const AccessList list({{false, "10.1.2.3/32"},
                         {true, "10.0.0.0/8"},
                         {true, "2001:db8::/32"},
                         {true, "unix:"},
                         {false, "all"}});
  struct Case {
    std::string_view address;
    bool allowed;
  };
  const std::vector<Case> cases{{"10.1.2.3", false},
                                {"10.1.2.4", true},
                                {"::ffff:10.1.2.3", false},
                                {"2001:db8::9", true},
                                {"2001:db9::9", false},
                                {"unix:", true},
                                {"192.0.2.1", false},
                                {"what is no address", false},
                                {"", false}};
  for (const auto& one : cases) {
    CAPTURE(one.address);
    CHECK(list.allows(one.address) == one.allowed);
  }
}

TEST_CASE("whom no rule has is let in") {
  CHECK(AccessList().allows("192.0.2.1"));
  const AccessList list({{false, "10.0.0.0/8"}});
  CHECK(list.allows("192.0.2.1"));
  CHECK(list.allows("unix:"));
  CHECK_FALSE(list.allows("10.9.9.9"));
}
