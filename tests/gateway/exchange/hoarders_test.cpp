// Clients that open more connections than there is room for and never bring a request: those that do get in.
#include <vector>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

constexpr int kRoom = 20;
constexpr int kHoard = 26;
// None of the deadlines is what makes room.
const std::string kPatient =
    "    timeouts: { proxyProtocol: 60s, tlsHandshake: 60s, requestHeader: 60s, clientKeepalive: 60s }\n";

// The begin of a TLS record with a ClientHello.
const std::string kHalfHello =
    std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(189, 'x');
const std::string kHalfHead = "GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ";

std::uint64_t shed(const GatewayFixture& gateway) {
  return gateway.workers([](const auto& counters) { return counters.connections_shed.value(); });
}

std::vector<RawClient> hoard(const GatewayFixture& gateway, int count, std::string_view bytes) {
  std::vector<RawClient> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(RawClient::in_clear_text(gateway.port()));
    (void)all.back().try_send(bytes);  // one that came too late is closed already
  }
  return all;
}

template <class Connect>
bool is_served(const Connect& connect) {
  try {
    auto client = connect();
    return client.get("/", "Connection: close\r\n").status == 200;
  } catch (const Unexpected&) {
    return false;  // turned away: try again, as clients do
  }
}

struct Hoarded {
  explicit Hoarded(const std::string& listener, int room = kRoom)
      : gateway(in_front_of(pod, {.listener = kPatient + listener,
                                  .rest = "connectionsPerWorker: " + std::to_string(room) + "\n"})) {
    pod.serve(answer_all("x"));
  }

  ScriptedBackend pod;
  GatewayFixture gateway;
};

std::string certificate_of(const Issued& issued) {
  return "    tls: { certificate: " + issued.certificate + ", key: " + issued.key + " }\n";
}

}  // namespace

TEST_CASE("hoarders in clear text, silent or in the middle of a head, make room for who asks") {
  if (tls_everywhere()) return;  // they would be told that they lack TLS
  for (const std::string& bytes : {std::string(), kHalfHead}) {
    CAPTURE(bytes);
    Hoarded t("");
    const auto hoarders = hoard(t.gateway, kHoard, bytes);
    for (int i = 0; i < 3; ++i)
      wait_until("a good client", [&] { return is_served([&] { return RawClient(t.gateway.port()); }); });
    CHECK(shed(t.gateway) >= 1);
  }
}

TEST_CASE("a client that holds all the room loses to another at once, and not to himself") {
  if (tls_everywhere()) return;  // as above
  Hoarded t("");
  const auto hoarders = hoard(t.gateway, kRoom, kHalfHead);
  wait_until("all half heads to be read", [&] {
    return t.gateway.workers([](const auto& counters) { return counters.connections_active.value(); }) ==
           kRoom;
  });
  // Patience with newcomers turns away whoever comes from the same address.
  RawClient same = RawClient::in_clear_text(t.gateway.port());
  (void)same.expect_end();
  CHECK(shed(t.gateway) == 0);
  auto other = RawClient::from("127.0.0.2", t.gateway.port());
  CHECK(other.get().status == 200);
  CHECK(shed(t.gateway) == 1);
}

TEST_CASE("RFC 9110 15.5.9: who is closed in the middle of a head, a later one too, is told 408") {
  Hoarded t("", 1);
  RawClient first(t.gateway.port());
  first.send(kHalfHead);
  wait_until("room for another", [&] { return is_served([&] { return RawClient(t.gateway.port()); }); });
  CHECK(first.read_answer().status == 408);
  RawClient second(t.gateway.port());
  CHECK(second.get().status == 200);
  second.send(kHalfHead);
  wait_until("room again", [&] { return is_served([&] { return RawClient(t.gateway.port()); }); });
  const auto answer = second.read_answer();
  CHECK(answer.status == 408);
  CHECK(answer.field("Connection") == "close");
  CHECK(shed(t.gateway) >= 2);
}

TEST_CASE("hoarders before TLS, silent, in a hello or behind the handshake, make room for who asks") {
  Authority ca;
  TlsClientSide side(ca);
  const auto tls = certificate_of(ca.issue());
  for (const std::string& bytes : {std::string(), kHalfHello}) {
    CAPTURE(bytes.size());
    Hoarded t(tls);
    const auto connect = [&] { return RawClient(t.gateway.port(), side.session()); };
    const auto hoarders = hoard(t.gateway, kHoard, bytes);
    for (int i = 0; i < 3; ++i) wait_until("a good client", [&] { return is_served(connect); });
    CHECK(shed(t.gateway) >= 1);
  }
  Hoarded t(tls, 3);
  std::vector<RawClient> hoarders;
  hoarders.reserve(3);
  for (int i = 0; i < 3; ++i) hoarders.emplace_back(t.gateway.port(), side.session());
  hoarders.back().send(kHalfHead);
  const auto connect = [&] { return RawClient(t.gateway.port(), side.session()); };
  for (int i = 0; i < 4; ++i) wait_until("a good client", [&] { return is_served(connect); });
  CHECK(shed(t.gateway) >= 1);
}

TEST_CASE("hoarders that never bring a PROXY header make room for who does") {
  Hoarded t("    proxyProtocol: { from: [127.0.0.0/8] }\n");
  const auto hoarders = hoard(t.gateway, kHoard, "PROXY TCP4 203.0.113.9 ");
  if (tls_everywhere()) return;  // it is enough that nothing breaks
  wait_until("a good client", [&] {
    auto client = RawClient::in_clear_text(t.gateway.port());
    return client.try_send("PROXY TCP4 203.0.113.9 127.0.0.1 1 2\r\n" + get("/", "Connection: close\r\n")) &&
           client.read_to_end().starts_with("HTTP/1.1 200 ");
  });
}

TEST_CASE("of the handshakes that hold memory the oldest goes where there are too many") {
  constexpr int kMost = 1024;  // a worker's
  Authority ca;
  TlsClientSide side(ca);
  Hoarded t(certificate_of(ca.issue()), 10'000);
  auto hoarders = hoard(t.gateway, kMost + 10, kHalfHello);
  wait_until("ten to go", [&] { return shed(t.gateway) == 10; });
  CHECK(gateway_connections(t.gateway) == kMost);
  (void)hoarders.front().expect_end();
  CHECK_FALSE(hoarders.back().has_input());
  CHECK(is_served([&] { return RawClient(t.gateway.port(), side.session()); }));
  CHECK(shed(t.gateway) == 11);
}
