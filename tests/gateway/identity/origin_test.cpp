// Cross-site WebSocket hijacking (RFC 6455 10.2): the handshake of another site's page is refused before a
// pod sees it.
#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/error_log_file.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

int status_of(const GatewayFixture& gateway, const std::string& fields) {
  RawClient client(gateway.port());
  client.send(handshake(fields));
  return client.read_answer().status;
}

}  // namespace

TEST_CASE("only pages of allowed origins open WebSockets") {
  EchoPod pod;
  GatewayFixture gateway(
      in_front_of(pod.backend, {.route = "    origins: [https://app.example.com, '*.example.org', self]\n"}));
  CHECK(status_of(gateway, "Origin: https://app.example.com\r\n") == 101);
  CHECK(status_of(gateway, "Origin: http://a.example.org:8080\r\n") == 101);
  CHECK(status_of(gateway, "") == 101);  // no browser
  const int before = pod.handshakes;
  for (const auto* const origin :
       {"https://evil.net", "http://app.example.com", "null", "https://example.org",
        "https://app.example.com.evil.net", "https://app.example.com, https://evil.net", ""}) {
    CAPTURE(origin);
    CHECK(status_of(gateway, "Origin: " + std::string(origin) + "\r\n") == 403);
  }
  CHECK(status_of(gateway, "Origin: https://app.example.com\r\nOrigin: https://app.example.com\r\n") == 403);
  CHECK(pod.handshakes == before);
  CHECK(gateway.failures(gateway::FailureReason::denied) == 8);
}

TEST_CASE("with required, a handshake without Origin is refused too") {
  EchoPod pod;
  GatewayFixture gateway(in_front_of(
      pod.backend, {.route = "    origins: { allow: [https://app.example.com], required: true }\n"}));
  CHECK(status_of(gateway, "") == 403);
  CHECK(status_of(gateway, "Origin: https://app.example.com\r\n") == 101);
}

TEST_CASE("the log says which Origin was refused, bounded and escaped; the client is not told") {
  const ErrorLogFile log;
  EchoPod pod;
  GatewayFixture gateway(in_front_of(
      pod.backend,
      {.route = "    origins: { allow: [https://app.example.com], required: true }\n", .rest = log.yaml()}));
  const auto refuse = [&gateway](const std::string& fields) {
    RawClient client(gateway.port());
    client.send(handshake(fields));
    const auto answer = client.read_answer();
    CHECK(answer.status == 403);
    CHECK(answer.body.find("evil") == std::string::npos);
    CHECK(answer.field("Proxy-Status").find("evil") == std::string::npos);
  };
  refuse("Origin: https://evil.net\r\n");
  log.wait_for("pages of the origin https://evil.net may not open WebSockets here");
  refuse("Origin: https://evil.net\tx\r\n");
  log.wait_for("https://evil.net\\x09x may not");
  refuse("Origin: https://" + std::string(192, 'e') + ".evil\r\n");
  log.wait_for("https://" + std::string(192, 'e') + "... may not");
  refuse("");
  log.wait_for("`origins` wants an Origin, and none came");
}

TEST_CASE("origins are asked of WebSocket handshakes only") {
  OnePod t({.route = "    origins: [https://app.example.com]\n"});
  t.backend.serve(answer_all("here"));
  CHECK(t.client.get("/", "Origin: https://evil.net\r\n").status == 200);
  // The refusal leaves the connection to ordinary requests.
  t.client.send(handshake("Origin: https://evil.net\r\n"));
  CHECK(t.client.read_answer().status == 403);
  CHECK(t.client.get("/").status == 200);
}
