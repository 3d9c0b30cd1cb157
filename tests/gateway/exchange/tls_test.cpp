// TLS towards clients and towards pods.
#include <atomic>

#include <sys/socket.h>

#include "tests/gateway/exchange/setup.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/error_log_file.hpp"
#include "tests/support/tls_client.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

const std::string kAsk = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

std::string files(const Issued& issued) {
  return "certificate: " + issued.certificate + ", key: " + issued.key;
}

// One pod behind one listener whose `tls` is `tls`.
struct Secure {
  explicit Secure(const std::string& tls, const std::string& more = "") {
    pod.serve(answer_all("here"));
    gateway.emplace("listeners:\n  - address: 127.0.0.1:0\n    tls: " + tls + "\n" + more +
                    "upstreams:\n  pods:\n    endpoints: [\"" + pod.address() + "\"]\n");
  }

  [[nodiscard]] RawClient connect(const TlsClientSide& client) const {
    return RawClient(gateway->port(), client.session());
  }
  [[nodiscard]] std::uint64_t failures(gateway::HandshakeFailure kind) const {
    return gateway->workers(
        [&](const auto& c) { return c.handshake_failures_by_kind[static_cast<std::size_t>(kind)].value(); });
  }
  [[nodiscard]] std::uint64_t resumed() const {
    return gateway->workers([](const auto& c) { return c.handshakes_resumed.value(); });
  }

  ScriptedBackend pod;
  std::optional<GatewayFixture> gateway;
};

// The name in the certificate that a client with this server name is shown; "" if the handshake fails.
std::string shown(const Secure& t, TlsClientSide& client, const std::string& name) {
  try {
    auto socket = t.connect(client.name(name));
    auto answer = socket.get();
    return answer.status == 200 ? peer_name(socket.ssl()) : "status " + std::to_string(answer.status);
  } catch (const Unexpected&) {
    return "";
  }
}

std::string list_of(const std::vector<Issued>& all) {
  std::string list = "{ certificates: [";
  for (const auto& issued : all) list += "{ " + files(issued) + " }, ";
  return list + "]";
}

}  // namespace

TEST_CASE("RFC 6066 3: the certificate is chosen by server name, exact before wildcard, else the first") {
  Authority ca;
  const auto first = ca.issue({{"first.test"}});
  const auto exact = ca.issue({{"a.wild.test"}});
  const auto wild = ca.issue({{"*.wild.test"}});
  Secure t(list_of({first, exact, wild}) + " }");
  TlsClientSide client(ca);
  CHECK(shown(t, client, "first.test") == "first.test");
  CHECK(shown(t, client, "a.wild.test") == "a.wild.test");
  CHECK(shown(t, client, "A.Wild.Test") == "a.wild.test");
  CHECK(shown(t, client, "b.wild.test") == "*.wild.test");
  CHECK(shown(t, client, "c.b.wild.test") == "first.test");
  CHECK(shown(t, client, "nobody.test") == "first.test");
  CHECK(shown(t, client, "") == "first.test");
}

TEST_CASE("with unknownName: refuse a name without a certificate gets an alert") {
  Authority ca;
  Secure t(list_of({ca.issue({{"a.test"}})}) + ", unknownName: refuse }");
  TlsClientSide client(ca);
  CHECK(shown(t, client, "a.test") == "a.test");
  CHECK(shown(t, client, "b.test").empty());
  CHECK(shown(t, client, "").empty());
  CHECK(t.failures(gateway::HandshakeFailure::unknown_name) == 2);
}

TEST_CASE("an ECDSA and an RSA certificate stand side by side for one name") {
  Authority ca;
  Secure t(list_of({ca.issue({{"a.test"}}), ca.issue({{"a.test"}, true})}) + " }");
  const auto key_type = [&](const std::string& signatures) {
    TlsClientSide client(ca);
    client.name("a.test").versions(TLS1_2_VERSION, TLS1_2_VERSION).signatures(signatures);
    auto socket = t.connect(client);
    const net::X509Ptr certificate(::SSL_get1_peer_certificate(socket.ssl()));
    return std::string(::EVP_PKEY_get0_type_name(::X509_get0_pubkey(certificate.get())));
  };
  CHECK(key_type("ECDSA+SHA256") == "EC");
  CHECK(key_type("RSA+SHA256:RSA-PSS+SHA256") == "RSA");
}

TEST_CASE("RFC 7301: http/1.1 is agreed on, and a client with nothing in common is refused") {
  Authority ca;
  Secure t("{ " + files(ca.issue({{"a.test"}})) + " }");
  const auto agreed = [&](const std::string& offer) {
    TlsClientSide client(ca);
    auto socket = t.connect(client.alpn(offer));
    const unsigned char* name = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(socket.ssl(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  CHECK(agreed("\x02h2\x08http/1.1") == "http/1.1");
  CHECK(agreed("\x08http/1.0") == "http/1.0");
  CHECK_THROWS_AS(agreed("\x02h2"), Unexpected);
}

TEST_CASE("RFC 8996: nothing older than TLS 1.2, and 1.3 alone where minVersion says so") {
  Authority ca;
  const auto certificate = files(ca.issue({{"a.test"}}));
  Secure both("{ " + certificate + " }");
  Secure newest("{ " + certificate + ", minVersion: \"1.3\" }");
  const auto works = [&](const Secure& t, int version) {
    TlsClientSide client(ca);
    return !shown(t, client.versions(version, version), "a.test").empty();
  };
  CHECK_FALSE(works(both, TLS1_VERSION));
  CHECK_FALSE(works(both, TLS1_1_VERSION));
  CHECK(works(both, TLS1_2_VERSION));
  CHECK(works(both, TLS1_3_VERSION));
  CHECK_FALSE(works(newest, TLS1_2_VERSION));
  CHECK(works(newest, TLS1_3_VERSION));
  CHECK(newest.failures(gateway::HandshakeFailure::nothing_in_common) == 1);
}

TEST_CASE("clients must show a certificate of the right authority that was not revoked") {
  Authority ca;
  Authority clients("an authority of clients");
  Authority strangers("somebody else");
  const auto good = clients.issue({{"alice"}});
  const auto revoked = clients.issue({{"mallory"}});
  const auto crl = clients.revoke({revoked});
  const ErrorLogFile log;
  Secure t("{ " + files(ca.issue({{"a.test"}})) +
               ", clientCertificates: { mode: required, ca: " + clients.file() + ", crl: " + crl + " } }",
           log.yaml());
  const auto served = [&](const Issued* certificate, int version) {
    TlsClientSide client(ca);
    client.versions(version, version);
    if (certificate != nullptr) client.show(*certificate);
    return !shown(t, client, "a.test").empty();
  };
  const auto foreign = strangers.issue({{"alice"}});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    CHECK(served(&good, version));
    CHECK_FALSE(served(nullptr, version));
    CHECK_FALSE(served(&foreign, version));
    CHECK_FALSE(served(&revoked, version));
  }
  CHECK(t.failures(gateway::HandshakeFailure::client_certificate) == 6);
  // Who has to let a partner in finds out why he stays outside.
  log.wait_for("peer did not return a certificate, server name a.test");
  log.wait_for("unable to get local issuer certificate, server name a.test");
  log.wait_for("certificate revoked, server name a.test");
}

TEST_CASE("a client certificate that has expired opens nothing by resumption either") {
  Authority ca;
  Authority clients("an authority of clients");
  Secure t("{ " + files(ca.issue({{"a.test"}})) +
           ", clientCertificates: { mode: required, ca: " + clients.file() + " } }");
  const auto brief = clients.issue({.names = {"alice"}, .days_to = 0, .seconds_to = 5});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClientSide client(ca);
    client.versions(version, version)
        .show(version == TLS1_2_VERSION ? brief
                                        : clients.issue({.names = {"bob"}, .days_to = 0, .seconds_to = 5}));
    REQUIRE(!shown(t, client, "a.test").empty());
    const auto before = t.resumed();
    const auto first = client.ticket();
    client.resume(first.get());
    CHECK(!shown(t, client, "a.test").empty());
    CHECK(t.resumed() == before + 1);
    const auto ticket = client.ticket();
    client.resume(ticket.get());
    wait_until("the certificate to expire", [&] { return shown(t, client, "a.test").empty(); });
  }
}

TEST_CASE("optional client certificates: none is fine, a bad one is not") {
  Authority ca;
  Authority strangers("somebody else");
  Secure t("{ " + files(ca.issue({{"a.test"}})) + ", clientCertificates: { mode: optional, ca: " + ca.file() +
           " } }");
  TlsClientSide without(ca);
  CHECK(shown(t, without, "a.test") == "a.test");
  TlsClientSide with(ca);
  CHECK(shown(t, with.show(ca.issue({{"alice"}})), "a.test") == "a.test");
  TlsClientSide bad(ca);
  CHECK(shown(t, bad.show(strangers.issue({{"alice"}})), "a.test").empty());
}

TEST_CASE("a session is resumed with any worker, and over TLS 1.2 and 1.3") {
  Authority ca;
  Secure t("{ " + files(ca.issue({{"a.test"}})) + " }", "workers: 2\n");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClientSide client(ca);
    client.name("a.test").versions(version, version);
    CHECK(t.connect(client).get().status == 200);
    const auto ticket = client.ticket();
    REQUIRE(ticket);
    // By chance each worker gets some of these.
    for (int i = 0; i < 8; ++i) {
      auto again = t.connect(client.resume(ticket.get()));
      CHECK(again.get().status == 200);
      CHECK(::SSL_session_reused(again.ssl()) == 1);
    }
  }
  CHECK(t.resumed() == 16);
}

TEST_CASE("CVE-2025-23419: a ticket opens nothing under another name or client-certificate policy") {
  Authority ca;
  const auto open = ca.issue({{"open.test"}});
  const auto closed = ca.issue({{"closed.test"}});
  Secure t(list_of({open, closed}) +
           ", hosts: [{ names: [closed.test], clientCertificates: { mode: required, ca: " + ca.file() +
           " } }] }");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CAPTURE(version);
    TlsClientSide client(ca);
    client.versions(version, version);
    CHECK(shown(t, client, "open.test") == "open.test");
    const auto ticket = client.ticket();
    REQUIRE(ticket);
    client.resume(ticket.get());
    CHECK(shown(t, client, "open.test") == "open.test");
    CHECK(shown(t, client, "closed.test").empty());
  }
  CHECK(t.resumed() == 2);
}

TEST_CASE(
    "RFC 9110 15.5.20: a host with another client-certificate policy than the handshake's is misdirected") {
  Authority ca;
  const auto both = ca.issue({{"open.test", "closed.test"}});
  Secure t("{ " + files(both) +
           ", hosts: [{ names: [closed.test], clientCertificates: { mode: required, ca: " + ca.file() +
           " } }] }");
  TlsClientSide client(ca);
  auto socket = t.connect(client.name("open.test"));
  socket.send("GET / HTTP/1.1\r\nHost: closed.test\r\n\r\n");
  CHECK(socket.read_answer().status == 421);
  auto same = t.connect(client.name("open.test"));
  same.send("GET / HTTP/1.1\r\nHost: other.test\r\n\r\n");
  CHECK(same.read_answer().status == 200);
}

TEST_CASE("a client-certificate policy of a wildcard holds for every host that a route's wildcard takes") {
  Authority ca;
  const auto open = ca.issue({{"open.test"}});
  for (const std::string unknown : {"", ", unknownName: refuse"}) {
    CAPTURE(unknown);
    Secure t(list_of({open}) + unknown +
             ", hosts: [{ names: [\"*.p.test\", closed.test], clientCertificates: { mode: required, ca: " +
             ca.file() + " } }] }");
    TlsClientSide client(ca);
    for (const std::string host : {"a.p.test", "a.b.p.test", "A.b.P.test", "closed.test", "closed.test."}) {
      CAPTURE(host);
      auto socket = t.connect(client.name("open.test"));
      socket.send("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
      CHECK(socket.read_answer().status == 421);
    }
    for (const std::string name : {"a.p.test", "a.b.p.test", "closed.test"}) {
      CAPTURE(name);
      CHECK(shown(t, client, name).empty());
    }
    CHECK(shown(t, client, "open.test") == "open.test");
  }
}

TEST_CASE("an OCSP response is stapled to its certificate") {
  Authority ca;
  const auto issued = ca.issue({.names = {"a.test"}, .chained = true});
  Secure t("{ certificates: [{ " + files(issued) + ", ocspStaple: " + ca.staple(issued) + " }] }");
  TlsClientSide client(ca);
  auto socket = t.connect(client.name("a.test").ask_for_staple());
  const unsigned char* staple = nullptr;
  CHECK(::SSL_get_tlsext_status_ocsp_resp(socket.ssl(), &staple) > 0);
}

TEST_CASE("HTTP without TLS on a port that speaks it is told so") {
  Authority ca;
  const ErrorLogFile log;
  Secure t("{ " + files(ca.issue()) + " }", log.yaml());
  auto client = RawClient::in_clear_text(t.gateway->port());
  client.send(kAsk);
  const auto answer = client.read_answer();
  CHECK(answer.status == 400);
  CHECK(answer.body == "This port speaks TLS: ask by https or by wss\n");
  CHECK(t.failures(gateway::HandshakeFailure::clear_text) == 1);
  log.wait_for("clear text came to a port that speaks TLS");
}

TEST_CASE("a handshake has a deadline, and a client that says nothing costs no session") {
  Authority ca;
  Secure t("{ " + files(ca.issue()) + " }\n    timeouts: { tlsHandshake: 200ms }");
  auto silent = RawClient::in_clear_text(t.gateway->port());
  (void)silent.expect_end();
  auto half = RawClient::in_clear_text(t.gateway->port());
  half.send("\x16\x03\x01");
  (void)half.expect_end();
  CHECK(t.failures(gateway::HandshakeFailure::timeout) == 2);
}

TEST_CASE("RFC 8446 6.1: an end of the gateway's is told by close_notify") {
  Authority ca;
  Secure t("{ " + files(ca.issue()) + " }\n    timeouts: { clientKeepalive: 200ms }");
  TlsClientSide side(ca);
  auto client = t.connect(side);
  CHECK(client.get().status == 200);
  CHECK(client.expect_end() == StreamEnd::orderly);
}

TEST_CASE("tls.redirect sends every request to https, and serves nothing") {
  GatewayFixture gateway(
      "listeners:\n  - address: 127.0.0.1:0\n    tls: { redirect: true }\n"
      "upstreams: { pods: { endpoints: [\"127.0.0.1:1\"] } }\n");
  auto client = RawClient::in_clear_text(gateway.port());
  client.send("GET /a/b?c=d HTTP/1.1\r\nHost: a.test:80\r\n\r\n");
  const auto answer = client.read_answer();
  CHECK(answer.status == 308);
  CHECK(answer.field("Location") == "https://a.test/a/b?c=d");
  for (const std::string request :
       {"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "GET /a HTTP/1.0\r\n\r\n"}) {
    auto other = RawClient::in_clear_text(gateway.port());
    other.send(request);
    CHECK(other.read_answer().status == 400);
  }
}
