// Which word of a trusted proxy is believed.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kTrusting = "trustedProxies: [127.0.0.0/8, 10.0.0.0/8]\n";
const std::string kBelieving = kTrusting + "clientAddress: forwarded\n";

Request told(const std::string& rest, const std::string& fields) {
  OnePod t({.rest = rest});
  t.client.send(get("/", fields));
  return t.backend.accept().read_request();
}

}  // namespace

TEST_CASE("RFC 7239: Forwarded is believed where it is configured, and X-Forwarded-For is not") {
  const auto request =
      told(kBelieving,
           "Forwarded: for=6.6.6.6, for=\"203.0.113.9:4711\";proto=https;host=outer.example\r\n"
           "Forwarded: for=10.0.0.2\r\n"
           "X-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil\r\n"
           "X-Real-IP: 7.7.7.7\r\n");
  CHECK(request.field("X-Forwarded-For") == "203.0.113.9");
  CHECK(request.field("X-Real-IP") == "203.0.113.9");
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Host") == "outer.example");
  // The chain goes on with the peer's own element.
  CHECK(request.count("Forwarded") == 3);
  const std::string own = tls_everywhere() ? "for=127.0.0.1;proto=https" : "for=127.0.0.1;proto=http";
  CHECK(request.head.find("Forwarded: " + own + "\r\n") != std::string::npos);
  CHECK(request.head.find("7.7.7.7") == std::string::npos);
}

TEST_CASE("RFC 7239: without Forwarded the trusted proxy is the client itself") {
  const auto request = told(kBelieving, "X-Forwarded-For: 7.7.7.7\r\n");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("X-Forwarded-Host") == "test");
}

TEST_CASE("X-Forwarded-For is believed by default, and Forwarded is not") {
  OnePod t({.rest = kTrusting + "log: { access: off, error: { path: /dev/null } }\n"});
  t.client.send(get("/", "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 203.0.113.9\r\n"));
  auto pod = t.backend.accept();
  CHECK(pod.read_request().field("X-Real-IP") == "203.0.113.9");
}

TEST_CASE("what a client writes past a proxy that only appends to X-Forwarded-For goes no further") {
  const auto request = told(kTrusting,
                            "X-Real-IP: 6.6.6.6\r\nX-Real-IP: 6.6.6.7\r\nForwarded: for=6.6.6.6\r\n"
                            "Client-Cert: :AA6666==:\r\nClient-Cert-Chain: :AA6666==:\r\n"
                            "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n");
  CHECK(request.count("X-Real-IP") == 1);
  CHECK(request.field("X-Real-IP") == "203.0.113.9");
  CHECK(request.field("X-Forwarded-For") == "6.6.6.6, 203.0.113.9, 127.0.0.1");
  for (const std::string name : {"Forwarded", "Client-Cert", "Client-Cert-Chain"}) {
    CAPTURE(name);
    CHECK_FALSE(request.has(name));
  }
}

// A proxy that appends, be it a field or a member, leaves the client's word in front of its own.
TEST_CASE(
    "of several X-Forwarded-Proto, -Host or -Port the last counts, which the trusted proxy has written") {
  const auto request = told(kTrusting,
                            "X-Forwarded-For: 203.0.113.9\r\n"
                            "X-Forwarded-Proto: gopher\r\nX-Forwarded-Proto: https\r\n"
                            "X-Forwarded-Host: evil\r\nX-Forwarded-Host: evil, outer.example:8443\r\n"
                            "X-Forwarded-Port: 1\r\nX-Forwarded-Port: 2, 8443\r\n");
  CHECK(request.count("X-Forwarded-Proto") == 1);
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.count("X-Forwarded-Host") == 1);
  CHECK(request.field("X-Forwarded-Host") == "outer.example:8443");
  CHECK(request.count("X-Forwarded-Port") == 1);
  CHECK(request.field("X-Forwarded-Port") == "8443");
}

TEST_CASE("what a trusted proxy says that no scheme, host or port can be is not passed on") {
  const auto request = told(kTrusting,
                            "X-Forwarded-Proto: gopher\r\nX-Forwarded-Host: a/../<b>\r\n"
                            "X-Forwarded-Port: 99999\r\n");
  CHECK(request.field("X-Forwarded-Proto") == (tls_everywhere() ? "https" : "http"));
  CHECK(request.field("X-Forwarded-Host") == "test");
  CHECK_FALSE(request.has("X-Forwarded-Port"));
  CHECK(told(kTrusting, "X-Forwarded-Proto: http, WSS\r\n").field("X-Forwarded-Proto") == "https");
}

TEST_CASE("RFC 9440 4: a client's certificate is said by nobody else, where Forwarded is believed either") {
  const auto request = told(kBelieving,
                            "Client-Cert: :AA6666==:\r\nClient-Cert-Chain: :AA6666==:\r\n"
                            "Forwarded: for=203.0.113.9\r\n");
  CHECK(request.field("X-Real-IP") == "203.0.113.9");
  CHECK_FALSE(request.has("Client-Cert"));
  CHECK_FALSE(request.has("Client-Cert-Chain"));
}

TEST_CASE("with clientAddress: none nobody is believed") {
  const auto request = told(kTrusting + "clientAddress: none\n",
                            "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Real-IP: 7.7.7.7\r\n");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("X-Real-IP") == "127.0.0.1");
  CHECK_FALSE(request.has("Forwarded"));
}

TEST_CASE("RFC 7239 8.1: from a peer that is not trusted nothing is believed or passed on") {
  const auto request =
      told("trustedProxies: [10.0.0.0/8]\nclientAddress: forwarded\n", "Forwarded: for=6.6.6.6\r\n");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK_FALSE(request.has("Forwarded"));
}
