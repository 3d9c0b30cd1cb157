#include "upstream/claims.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::upstream;

namespace {

DiscoveredEndpoint offered(Offer offer, int weight = 1) {
  DiscoveredEndpoint endpoint;
  endpoint.offer = offer;
  endpoint.weight = weight;
  return endpoint;
}

}  // namespace

TEST_CASE("an endpoint is there as long as one source has it, and serves as long as one says so") {
  Claims claims;
  CHECK(claims.discovery({}) == Discovery::absent);
  claims.set(1, offered(Offer::leaving, 1));
  CHECK(claims.discovery({}) == Discovery::draining);
  claims.set(2, offered(Offer::not_serving, 2));
  CHECK(claims.discovery({}) == Discovery::not_serving);
  CHECK(claims.best({}).weight == 2);
  claims.set(3, offered(Offer::serving, 3));
  CHECK(claims.discovery({}) == Discovery::present);
  CHECK(claims.best({}).weight == 3);
  claims.withdraw(3);
  claims.withdraw(2);
  CHECK(claims.discovery({}) == Discovery::draining);
  CHECK(claims.has(1));
  CHECK_FALSE(claims.has(2));
  claims.withdraw(1);
  CHECK(claims.discovery({}) == Discovery::absent);
}

TEST_CASE("a source says one thing of an endpoint, the newest") {
  Claims claims;
  claims.set(1, offered(Offer::serving));
  claims.set(1, offered(Offer::leaving));
  CHECK(claims.discovery({}) == Discovery::draining);
}

TEST_CASE("what a stale source offers takes nothing new, and does not leave") {
  Claims claims;
  claims.set(1, offered(Offer::serving, 1));
  CHECK(claims.discovery({1}) == Discovery::not_serving);
  SECTION("another source that is fresh keeps it") {
    claims.set(2, offered(Offer::serving, 2));
    CHECK(claims.discovery({1}) == Discovery::present);
    CHECK(claims.best({1}).weight == 2);
  }
  SECTION("what leaves goes on leaving") {
    claims.set(1, offered(Offer::leaving));
    CHECK(claims.discovery({1}) == Discovery::draining);
  }
}
