// The PROXY protocol towards the gateway.
#include <filesystem>
#include <fstream>

#include "tests/gateway/identity/introduced.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using gateway::ConnectionRefusal;

namespace {

const std::string kSignature{"\r\n\r\n\0\r\nQUIT\n", 12};
const std::string kV6 = kSignature + "\x21\x21\x00\x24"s + "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"s +
                        std::string(15, '\0') + "\x01\x12\x67\x01\xbb"s;

struct Balanced {
  explicit Balanced(const std::string& more = "", const std::string& rest = "")
      : gateway(in_front_of(pod, {.listener = std::string(kFromLoopback) + more, .rest = rest})) {}

  // What the pod is told by a client that came with `header`.
  Request told(std::string_view header, const std::string& fields = "") {
    auto client = introduced(gateway, header);
    client.send(get("/", fields));
    auto connection = pod.accept();
    auto request = connection.read_request();
    connection.send(ok("here"));
    CHECK(client.read_answer().status == 200);
    return request;
  }

  ScriptedBackend pod;
  GatewayFixture gateway;
};

// The connection is closed without a byte.
void expect_refusal(const GatewayFixture& gateway, std::string_view bytes, ConnectionRefusal kind) {
  const auto before = refusals(gateway, kind);
  auto client = RawClient::in_clear_text(gateway.port());
  client.send(bytes);
  client.expect_end();
  wait_until("the refusal to be counted", [&] { return refusals(gateway, kind) == before + 1; });
}

}  // namespace

TEST_CASE("PROXY protocol: the address it names is the client's, in headers and variables") {
  Balanced t;
  const auto first = t.told(line_of("203.0.113.9"), "X-Forwarded-For: 6.6.6.6\r\n");
  CHECK(first.field("X-Forwarded-For") == "203.0.113.9");
  CHECK(first.field("X-Real-IP") == "203.0.113.9");
  CHECK(t.told(kV6).field("X-Real-IP") == "2001:db8::7");
  CHECK(t.told("PROXY TCP6 2001:db8::8 ::1 1 2\r\n").field("X-Real-IP") == "2001:db8::8");
  CHECK(t.told("PROXY UNKNOWN\r\n").field("X-Real-IP") == "127.0.0.1");
  CHECK(t.told(kSignature + "\x20\0\0\0"s).field("X-Real-IP") == "127.0.0.1");
}

TEST_CASE("PROXY protocol: the header may come in any pieces, and the request with it") {
  Balanced t;
  t.pod.serve(answer_all("here"));
  for (const std::string& header : {line_of("203.0.113.9"), kV6}) {
    auto client = RawClient::in_clear_text(t.gateway.port());
    client.send_split(header, 7);
    if (tls_everywhere()) client.secure(client_session());
    CHECK(client.get().status == 200);
    CHECK(client.get().status == 200);  // one header for the whole connection
    if (tls_everywhere()) continue;
    auto at_once = RawClient::in_clear_text(t.gateway.port());
    at_once.send(header + get() + get());
    CHECK(at_once.read_answer().status == 200);
    CHECK(at_once.read_answer().status == 200);
  }
}

TEST_CASE("PROXY protocol: TLS begins right behind the header") {
  Authority ca;
  const auto issued = ca.issue({{"a.test"}});
  ScriptedBackend pod;
  GatewayFixture gateway(in_front_of(
      pod, {.listener = std::string(kFromLoopback) + "    tls: { certificate: " + issued.certificate +
                        ", key: " + issued.key + " }\n"}));
  for (const std::string& header : {line_of("203.0.113.9"), kV6}) {
    auto client = RawClient::in_clear_text(gateway.port());
    client.send(header);
    TlsClientSide side(ca);
    client.secure(side.name("a.test").session());
    client.send(get());
    auto connection = pod.accept();
    const auto request = connection.read_request();
    CHECK(request.field("X-Real-IP") == (header == kV6 ? "2001:db8::7" : "203.0.113.9"));
    CHECK(request.field("X-Forwarded-Proto") == "https");
    connection.send(ok("here"));
    CHECK(client.read_answer().status == 200);
  }
}

TEST_CASE("PROXY protocol: what is no header ends the connection without an answer") {
  Balanced t;
  for (const std::string& bytes :
       {"GET / HTTP/1.1\r\nHost: test\r\n\r\n"s, "PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n"s,
        "PROXY "s + std::string(200, 'x'), "\x16\x03\x01\x02\x00\x01"s, kSignature + "\x31\x11\x00\x0c"s,
        kSignature + "\x21\x11\xff\xff"s, kSignature + "\x21\x11\x00\x02\x0a\x00"s}) {
    CAPTURE(bytes);
    expect_refusal(t.gateway, bytes, ConnectionRefusal::header_malformed);
  }
  CHECK(t.pod.untouched());
}

TEST_CASE("PROXY protocol: a header that stays away or incomplete is waited for only so long") {
  Balanced t("    timeouts: { proxyProtocol: 50ms }\n");
  expect_refusal(t.gateway, "", ConnectionRefusal::header_timeout);
  expect_refusal(t.gateway, "PROXY TCP4 10.0.0.1 ", ConnectionRefusal::header_timeout);
  expect_refusal(t.gateway, kV6.substr(0, 30), ConnectionRefusal::header_timeout);
}

TEST_CASE("PROXY protocol: a connection that ends within the header is done with") {
  Balanced t;
  for (const std::string& bytes : {""s, "PROXY TCP4 10.0.0.1 "s}) {
    CAPTURE(bytes);
    const auto before = refusals(t.gateway, ConnectionRefusal::header_lost);
    auto client = RawClient::in_clear_text(t.gateway.port());
    client.send(bytes);
    client.half_close();
    client.expect_end();
    wait_until("the loss to be counted",
               [&] { return refusals(t.gateway, ConnectionRefusal::header_lost) == before + 1; });
  }
}

TEST_CASE("PROXY protocol: only named peers may send it, the others are refused") {
  ScriptedBackend pod;
  GatewayFixture gateway(in_front_of(pod, {.listener = "    proxyProtocol: { from: [192.0.2.0/24] }\n"}));
  expect_refusal(gateway, line_of("203.0.113.9") + get(), ConnectionRefusal::unexpected_peer);
  CHECK(pod.untouched());
}

TEST_CASE("PROXY protocol: with others: direct, the others are clients, and their header is a bad request") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture gateway(
      in_front_of(pod, {.listener = "    proxyProtocol: { from: [192.0.2.0/24], others: direct }\n"}));
  CHECK(RawClient(gateway.port()).get().status == 200);
  RawClient liar(gateway.port());
  liar.send(line_of("203.0.113.9") + get());
  CHECK(liar.read_answer().status == 400);
}

TEST_CASE("PROXY protocol: a client that it names is trusted as a proxy only if it is one") {
  Balanced t("", "trustedProxies: [198.51.100.0/24, 127.0.0.0/8]\n");
  // The balancer's own address no longer counts.
  CHECK(t.told(line_of("203.0.113.9"), "X-Forwarded-For: 6.6.6.6\r\n").field("X-Forwarded-For") ==
        "203.0.113.9");
  const auto through = t.told(line_of("198.51.100.1"), "X-Forwarded-For: 203.0.113.9\r\n");
  CHECK(through.field("X-Forwarded-For") == "203.0.113.9, 198.51.100.1");
}

TEST_CASE("PROXY protocol: the access log has the client's address") {
  const auto file = std::filesystem::temp_directory_path() / ("access-" + std::to_string(::getpid()));
  {
    Balanced t("", "log: { access: { path: " + file.string() + " }, error: { path: /dev/null } }\n");
    (void)t.told(line_of("203.0.113.9"));
  }
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  CHECK(line.starts_with("203.0.113.9 "));
  std::filesystem::remove(file);
}

TEST_CASE("PROXY protocol: on a Unix socket, named by `unix:`") {
  const auto path =
      (std::filesystem::temp_directory_path() / ("proxied-" + std::to_string(::getpid()))).string();
  ScriptedBackend pod;
  GatewayFixture gateway("listeners:\n  - address: unix:" + path +
                         "\n    proxyProtocol: { from: ['unix:'] }\nupstreams: { pods: { endpoints: ['" +
                         pod.address() + "'] } }\n");
  if (tls_everywhere()) return;  // the client's first bytes would be TLS's
  RawClient client(path);
  client.send(line_of("203.0.113.9") + get());
  auto connection = pod.accept();
  CHECK(connection.read_request().field("X-Real-IP") == "203.0.113.9");
}
