#include "wire/net/tls_tickets.hpp"

#include <cstdio>

#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "wire/net/tls_error.hpp"

using namespace tidegate::net;
using namespace std::chrono_literals;

namespace {

const auto kStart = TicketKeys::Clock::time_point(1'000'000h);

}  // namespace

TEST_CASE("a ticket key opens in its own scope and in no other") {
  TicketKeys keys(12h);
  const auto sealed = keys.sealing("policy a.test", kStart);
  const auto opened = keys.opening(sealed.name, "policy a.test", kStart);
  REQUIRE(opened);
  CHECK(opened->newest);
  CHECK(opened->key.cipher == sealed.cipher);
  CHECK(opened->key.digest == sealed.digest);
  CHECK_FALSE(keys.opening(sealed.name, "policy b.test", kStart));
  CHECK_FALSE(keys.opening(std::span(sealed.name).first(15), "policy a.test", kStart));
}

TEST_CASE("ticket keys rotate: the last two still open, and what they open is to be sealed anew") {
  TicketKeys keys(12h);
  const auto first = keys.sealing("s", kStart);
  CHECK(keys.sealing("s", kStart + 11h).name == first.name);
  CHECK(keys.sealing("s", kStart + 12h).name != first.name);
  const auto older = keys.opening(first.name, "s", kStart + 13h);
  REQUIRE(older);
  CHECK_FALSE(older->newest);
  CHECK(keys.opening(first.name, "s", kStart + 25h));
  CHECK_FALSE(keys.opening(first.name, "s", kStart + 37h));
}

TEST_CASE(
    "ticket keys that another process goes on with open what they sealed, and rotate when they would have") {
  TicketKeys before(1h);
  const auto sealed = before.sealing("scope", kStart).name;
  TicketKeys after(1h);
  after.go_on(before.keep(kStart + 30min));
  const auto opened = after.opening(sealed, "scope", kStart + 30min);
  REQUIRE(opened);
  CHECK(opened->newest);
  CHECK(after.sealing("scope", kStart + 59min).name == sealed);
  CHECK(after.sealing("scope", kStart + 61min).name != sealed);
  const auto older = after.opening(sealed, "scope", kStart + 61min);
  REQUIRE(older);
  CHECK_FALSE(older->newest);
}

TEST_CASE("ticket keys of a file are those of every replica that reads it, and do not rotate") {
  tidegate::test::Authority folder;
  const auto file = folder.write("keys", std::string(80, 'a') + std::string(80, 'b'));
  TicketKeys one(12h);
  TicketKeys other(12h);
  one.set(read_ticket_secrets(file));
  other.set(read_ticket_secrets(file));
  const auto sealed = one.sealing("s", kStart);
  CHECK(other.sealing("s", kStart + 1000h).name == sealed.name);
  // The new key is put in front; tickets of the old one still open.
  one.set(read_ticket_secrets(folder.write("next", std::string(80, 'c') + std::string(80, 'a'))));
  const auto opened = one.opening(sealed.name, "s", kStart);
  REQUIRE(opened);
  CHECK_FALSE(opened->newest);
  CHECK_FALSE(one.sealing("s", kStart).name == sealed.name);
}

TEST_CASE("a file of ticket keys of another size is refused") {
  tidegate::test::Authority folder;
  CHECK(read_ticket_secrets(folder.write("48", std::string(48, 'a'))).size() == 1);
  CHECK_THROWS_AS(read_ticket_secrets(folder.write("none", "")), TlsFault);
  CHECK_THROWS_AS(read_ticket_secrets(folder.write("short", std::string(79, 'a'))), TlsFault);
  CHECK_THROWS_AS(read_ticket_secrets(folder.write("many", std::string(80 * 17, 'a'))), TlsFault);
  CHECK_THROWS_AS(read_ticket_secrets("/nonexistent"), TlsFault);
}
