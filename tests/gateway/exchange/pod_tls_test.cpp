// TLS towards pods.
#include <sys/socket.h>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// A gateway in clear text before one pod that speaks TLS with `certificate`; every connection runs `script`.
struct SecurePod {
  SecurePod(const Issued& certificate, const std::string& tls, ScriptedBackend::Script script) {
    pod.serve([certificate, script = std::move(script)](RawSocket& socket) {
      try {
        socket.secure(server_session(certificate));
      } catch (const Unexpected&) {
        return;  // the gateway did not like what it saw
      }
      script(socket);
    });
    gateway.emplace("listeners: [\"127.0.0.1:0\"]\nupstreams:\n  pods:\n    endpoints: [\"" + pod.address() +
                    "\"]\n    tls: " + tls + "\n    retry: off\n    hold: off\n");
  }
  [[nodiscard]] Answer get() const {
    RawClient client(gateway->port());
    return client.get();
  }

  ScriptedBackend pod;
  std::optional<GatewayFixture> gateway;
};

// Serves by one certificate until it is mended, then by the other.
void serve_by(ScriptedBackend& pod, const Issued& wrong, const Issued& right,
              const std::atomic<bool>& mended) {
  pod.serve([&](RawSocket& socket) {
    try {
      socket.secure(server_session(mended ? right : wrong));
    } catch (const Unexpected&) {
      return;
    }
    answer_all("well")(socket);
  });
}

}  // namespace

TEST_CASE("towards pods: TLS, their certificate verified, and idle connections used again") {
  Authority ca;
  SecurePod t(ca.issue(), "{ ca: " + ca.file() + " }", answer_all("secret"));
  RawClient client(t.gateway->port());
  for (int i = 0; i < 5; ++i) CHECK(client.get().body == "secret");
  CHECK(t.pod.connections() == 1);
}

TEST_CASE("towards pods: another authority, another name and no TLS at all are 502 that says why") {
  Authority ca;
  Authority other("somebody else");
  {
    SecurePod t(other.issue(), "{ ca: " + ca.file() + " }", answer_all("x"));
    const auto answer = t.get();
    CHECK(answer.status == 502);
    CHECK(answer.field("Proxy-Status").find("tls_certificate_error") != std::string::npos);
  }
  {
    SecurePod t(ca.issue({{"pod.test"}}), "{ ca: " + ca.file() + ", serverName: other.test }",
                answer_all("x"));
    CHECK(t.get().field("Proxy-Status").find("tls_certificate_error") != std::string::npos);
  }
  {
    SecurePod t(other.issue(), "{ verify: false }", answer_all("whoever"));
    CHECK(t.get().body == "whoever");
  }
  ScriptedBackend clear;
  clear.serve([](RawSocket& pod) {
    (void)pod.read_some();
    pod.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  GatewayFixture gateway("listeners: [\"127.0.0.1:0\"]\nupstreams:\n  pods:\n    endpoints: [\"" +
                         clear.address() +
                         "\"]\n    tls: { verify: false }\n    retry: off\n    hold: off\n");
  RawClient client(gateway.port());
  const auto answer = client.get();
  CHECK(answer.status == 502);
  CHECK(answer.field("Proxy-Status").find("tls_protocol_error") != std::string::npos);
}

// Without a probe the pod was found well again as soon as it accepted a connection: it went in and out
// several times a second, and clients were told that nobody was ready.
TEST_CASE("a pod with a wrong certificate stays out until it shows a right one, and clients learn why") {
  Authority ca;
  Authority other("somebody else");
  const auto right = ca.issue();
  const auto wrong = other.issue();
  std::atomic<bool> mended{false};
  ScriptedBackend pod;
  serve_by(pod, wrong, right, mended);
  GatewayFixture gateway("listeners: [\"127.0.0.1:0\"]\nupstreams:\n  pods:\n    endpoints: [\"" +
                         pod.address() + "\"]\n    tls: { ca: " + ca.file() + " }\n");
  for (int i = 0; i < 5; ++i) {
    RawClient client(gateway.port());
    const auto answer = client.get();
    CHECK(answer.status == 502);
    CHECK(answer.field("Proxy-Status").find("tls_certificate_error") != std::string::npos);
  }
  gateway.wait_for_state(pod.address(), upstream::EndpointState::unready);
  // A second check is made only where the first has failed.
  const auto before = pod.connections();
  wait_until("two checks", [&] { return pod.connections() >= before + 2; });
  mended = true;
  gateway.wait_for_state(pod.address(), upstream::EndpointState::ready);
  RawClient client(gateway.port());
  CHECK(client.get().body == "well");
}

// The probe found it ready each time it accepted a connection, and the next request took it out: it went in
// and out with every period. Manifests of Kubernetes always name the port.
TEST_CASE("a tcpSocket probe of a pod with TLS goes as far as the handshake and says why it is not ready") {
  Authority ca;
  Authority other("somebody else");
  const auto right = ca.issue();
  const auto wrong = other.issue();
  for (const bool port : {false, true}) {
    CAPTURE(port);
    std::atomic<bool> mended{false};
    ScriptedBackend pod;
    serve_by(pod, wrong, right, mended);
    const auto probe = port ? "{ port: " + std::to_string(pod.port()) + " }" : std::string("{}");
    GatewayFixture gateway("listeners: [\"127.0.0.1:0\"]\nupstreams:\n  pods:\n    endpoints: [\"" +
                           pod.address() + "\"]\n    tls: { ca: " + ca.file() +
                           " }\n    readinessProbe: { tcpSocket: " + probe + ", periodSeconds: 1 }\n");
    gateway.wait_for_state(pod.address(), upstream::EndpointState::unready);
    const auto before = pod.connections();
    wait_until("two probes more", [&] { return pod.connections() >= before + 2; });
    const auto report = gateway.endpoints().front();
    CHECK(report.state == upstream::EndpointState::unready);
    CHECK(report.transitions <= 2);
    CHECK(report.last.cause.find("unable to get local issuer certificate") != std::string::npos);
    // Waiting would not mend it, so nobody is made to wait.
    RawClient early(gateway.port());
    const auto refused = early.get();
    CHECK(refused.status == 502);
    CHECK(refused.field("Proxy-Status").find("tls_certificate_error") != std::string::npos);
    mended = true;
    gateway.wait_for_state(pod.address(), upstream::EndpointState::ready);
    RawClient client(gateway.port());
    CHECK(client.get().body == "well");
  }
}

TEST_CASE("a tcpSocket probe of another port than the pod's own only connects") {
  Authority ca;
  ScriptedBackend pod;
  ScriptedBackend aside;
  GatewayFixture gateway("listeners: [\"127.0.0.1:0\"]\nupstreams:\n  pods:\n    endpoints: [\"" +
                         pod.address() + "\"]\n    tls: { ca: " + ca.file() +
                         " }\n    readinessProbe: { tcpSocket: { port: " + std::to_string(aside.port()) +
                         " } }\n");
  gateway.wait_for_ready();
  CHECK(pod.untouched());
}

TEST_CASE("RFC 9112 9.8: an answer that ends with the stream is whole only behind close_notify") {
  Authority ca;
  const std::string answer = "HTTP/1.1 200 OK\r\n\r\nall of it?";
  const auto certificate = ca.issue();
  {
    SecurePod t(certificate, "{ ca: " + ca.file() + " }", [&](RawSocket& pod) {
      (void)pod.read_request();
      pod.send(answer);
      pod.close();
    });
    CHECK(t.get().body == "all of it?");
  }
  SecurePod t(certificate, "{ ca: " + ca.file() + " }", [&](RawSocket& pod) {
    (void)pod.read_request();
    pod.send(answer);
    ::shutdown(pod.fd(), SHUT_RDWR);
  });
  RawClient client(t.gateway->port());
  client.send(get());
  StreamEnd end = StreamEnd::orderly;
  (void)client.read_to_end(&end);
  CHECK(end == StreamEnd::reset);
}
