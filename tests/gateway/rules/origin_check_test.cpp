// Cross-site WebSocket hijacking: a page of any site can open a WebSocket with the cookies of whoever looks
// at it, and only its Origin tells (RFC 6455 10.2).
#include "gateway/exchange/origin_check.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate;

namespace {

bool allows(const conf::OriginPolicy& policy, const std::vector<std::string_view>& origins,
            std::string_view authority = "app.example.com") {
  http::Fields fields;
  fields.push_back({"Host", authority});
  for (const auto origin : origins) fields.push_back({"Origin", origin});
  return gateway::allows_origin(policy, fields, authority);
}

}  // namespace

TEST_CASE("an origin is allowed by scheme, host and port") {
  struct Case {
    std::string allowed;
    std::string_view origin;
    bool expected;
  };
  const std::vector<Case> cases{
      {"https://app.example.com", "https://app.example.com", true},
      {"https://app.example.com", "HTTPS://App.Example.COM", true},
      {"https://app.example.com", "https://app.example.com:443", true},
      {"https://app.example.com:443", "https://app.example.com", true},
      {"https://app.example.com", "http://app.example.com", false},
      {"https://app.example.com", "https://app.example.com:8443", false},
      {"https://app.example.com", "https://app.example.com.evil.net", false},
      {"https://app.example.com", "https://evil-app.example.com", false},
      {"https://app.example.com", "https://evil.net/https://app.example.com", false},
      {"https://app.example.com", "https://user@app.example.com", false},
      {"https://app.example.com", "https://app.example.com/", false},
      {"https://app.example.com", "https://app.example.com#", false},
      {"https://app.example.com", "app.example.com", false},
      {"https://app.example.com", "null", false},
      {"https://app.example.com", "", false},
      {"https://app.example.com", "https://", false},
      {"https://app.example.com", "https://app.example.com:", false},
      {"https://app.example.com", "https://app.example.com:99999", false},
      {"https://app.example.com", "https://app.example.com https://evil.net", false},
      {"app.example.com", "https://app.example.com", true},
      {"app.example.com", "http://app.example.com:8080", true},
      {"app.example.com", "chrome-extension://app.example.com", false},
      {"app.example.com:8080", "http://app.example.com:8080", true},
      {"app.example.com:8080", "http://app.example.com", false},
      {"*.example.com", "https://a.example.com", true},
      {"*.example.com", "https://a.b.example.com:8443", true},
      {"*.example.com", "https://example.com", false},
      {"*.example.com", "https://.example.com", false},
      {"*.example.com", "https://evilexample.com", false},
      {"https://*.example.com", "https://a.example.com", true},
      {"https://*.example.com", "http://a.example.com", false},
      {"https://[2001:db8::1]", "https://[2001:db8::1]", true},
      {"https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443", true},
      {"https://[2001:db8::1]", "https://[2001:db8::2]", false},
      {"capacitor://localhost", "capacitor://localhost", true},
      {"chrome-extension://abcdefg", "chrome-extension://abcdefg", true},
      {"null", "null", true},
      {"null", "https://null", false},
  };
  for (const auto& one : cases) {
    CAPTURE(one.allowed, one.origin);
    CHECK(allows({{"https://other.example", one.allowed}, false}, {one.origin}) == one.expected);
  }
}

TEST_CASE("self is the host that is asked for") {
  const conf::OriginPolicy self{{"self"}, false};
  CHECK(allows(self, {"https://app.example.com"}));
  CHECK(allows(self, {"http://app.example.com"}));
  CHECK(allows(self, {"https://app.example.com:8443"}, "app.example.com:8443"));
  CHECK_FALSE(allows(self, {"https://app.example.com"}, "app.example.com:8443"));
  CHECK_FALSE(allows(self, {"https://app.example.com:8443"}));
  CHECK_FALSE(allows(self, {"https://evil.net"}));
  CHECK_FALSE(allows(self, {"null"}));
  CHECK_FALSE(allows(self, {"https://a.example.com"}, "*.example.com"));
  CHECK_FALSE(allows(self, {"https://app.example.com"}, ""));
}

TEST_CASE("without Origin it is no browser, and more than one is nobody's") {
  const conf::OriginPolicy open{{"https://app.example.com"}, false};
  const conf::OriginPolicy closed{{"https://app.example.com"}, true};
  CHECK(allows(open, {}));
  CHECK_FALSE(allows(closed, {}));
  CHECK_FALSE(allows(open, {"https://app.example.com", "https://app.example.com"}));
}
