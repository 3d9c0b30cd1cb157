// The PROXY protocol towards pods.
#include <utility>

#include <sys/socket.h>

#include "tests/gateway/identity/introduced.hpp"
#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"
#include "wire/net/socket_address.hpp"

using namespace tidegate;
using namespace tidegate::test;
using namespace std::string_literals;

namespace {

const std::string kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};

std::string client_port(RawClient& client) {
  return std::to_string(net::SocketAddress::local_of(client.fd()).port());
}

}  // namespace

TEST_CASE("PROXY protocol to pods: each connection begins with a header, and serves one request") {
  OnePod t({.upstream = "    proxyProtocol: v1\n"});
  for (int i = 0; i < 2; ++i) {
    t.client.send(get());
    auto pod = t.backend.accept();
    const auto line = pod.read_until("\r\n");
    CHECK(line == "PROXY TCP4 127.0.0.1 127.0.0.1 " + client_port(t.client) + " " +
                      std::to_string(t.gateway.port()) + "\r\n");
    (void)pod.read_request();
    pod.send(ok("here"));
    CHECK(t.client.read_answer().body == "here");
    pod.expect_end();
  }
  CHECK(t.gateway.upstream("pods", [](const auto& c) { return c.pool_hits.value(); }) == 0);
}

TEST_CASE("PROXY protocol to pods: version 2 in front of TLS") {
  Authority ca;
  ScriptedBackend backend;
  GatewayFixture gateway(
      in_front_of(backend, {.upstream = "    proxyProtocol: v2\n    tls: { ca: " + ca.file() + " }\n"}));
  RawClient client(gateway.port());
  client.send(get());
  auto pod = backend.accept();
  std::string header(28, '\0');
  // Past the socket's own buffer: what follows is for TLS to read.
  CHECK(::recv(pod.fd(), header.data(), header.size(), MSG_WAITALL) == 28);
  CHECK(header.substr(0, 24) == kSignature + "\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01"s);
  pod.secure(server_session(ca.issue()));
  (void)pod.read_request();
  pod.send(ok("here"));
  CHECK(client.read_answer().body == "here");
}

TEST_CASE("PROXY protocol to pods: what a balancer has said is passed on") {
  ScriptedBackend backend;
  GatewayFixture gateway(
      in_front_of(backend, {.listener = std::string(kFromLoopback), .upstream = "    proxyProtocol: v1\n"}));
  auto client = introduced(gateway, "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n");
  client.send(get());
  auto pod = backend.accept();
  pod.expect("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\nGET / ");
}

TEST_CASE("PROXY protocol to pods: of a client behind a trusted proxy the port is not known") {
  OnePod t({.upstream = "    proxyProtocol: v1\n", .rest = "trustedProxies: [127.0.0.0/8]\n"});
  t.client.send(get("/", "X-Forwarded-For: 203.0.113.9\r\n"));
  auto pod = t.backend.accept();
  pod.expect("PROXY TCP4 203.0.113.9 127.0.0.1 0 " + std::to_string(t.gateway.port()) + "\r\n");
}

TEST_CASE("PROXY protocol to pods: a WebSocket's connection too, and each further try's") {
  ScriptedBackend backend;
  GatewayFixture gateway(in_front_of(backend, {.upstream = "    proxyProtocol: v1\n"}));
  RawClient client(gateway.port());
  client.send(handshake());
  {
    auto first = backend.accept();
    CHECK(first.read_until("\r\n").starts_with("PROXY TCP4 127.0.0.1 "));
    first.reset();
  }
  auto pod = backend.accept();
  CHECK(pod.read_until("\r\n").starts_with("PROXY TCP4 127.0.0.1 "));
  (void)pod.read_head();
  pod.send(switching());
  CHECK(client.read_answer().status == 101);
  client.send(from_client("hello"));
  CHECK(read_frame(pod).payload == "hello");
}

TEST_CASE("PROXY protocol to pods: probes are the gateway's own connections") {
  for (const auto& [version, header] : {std::pair("v2"s, kSignature + "\x20\x00\x00\x00"s),
                                        std::pair("v1"s, "PROXY TCP4 127.0.0.1 127.0.0.1 "s)}) {
    CAPTURE(version);
    ScriptedBackend backend;
    GatewayFixture gateway(in_front_of(
        backend, {.upstream = "    proxyProtocol: " + version +
                              "\n    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 60 }\n"}));
    auto pod = backend.accept();
    pod.expect(header);
    if (version == "v1") (void)pod.read_until("\r\n");
    CHECK(pod.read_request().target == "/ready");
    pod.send(ok("ready"));
    gateway.wait_for_ready();
  }
}
