// The client's side of TLS, towards pods.
#pragma once

#include <memory>
#include <string>

#include "wire/net/tls_certificate.hpp"
#include "wire/net/tls_context.hpp"
#include "wire/net/tls_session.hpp"

namespace tidegate::net {

struct TlsClientSettings {
  std::string
      server_name;  // asked for by SNI and looked for in the certificate; an IP literal is looked for only
  bool verify = true;
  std::string authorities;    // CA certificates in PEM; empty: the system's
  CertificateFiles identity;  // shown to the pod; no certificate: none is
  TlsChoices choices;
};

// Immutable once built and shared by all threads.
class TlsClient {
 public:
  // Reads all files. Throws TlsFault.
  TlsClient(const TlsClientSettings& settings, WallTime now);

  // For a connected socket, which must outlive the session. `host` is asked for by SNI and looked for in the
  // certificate unless the settings have a name; an IP literal is looked for only. Throws std::bad_alloc.
  [[nodiscard]] std::unique_ptr<TlsSession> connect(int socket, const std::string& host) const;

  // The same without a socket, for whoever brings his own.
  [[nodiscard]] SslPtr session(const std::string& host) const;

 private:
  const std::string server_name_;
  const bool verify_;
  SslContextPtr context_;
};

// The name or IP literal that the certificate of the peer has to be for; a name is also asked for by SNI.
void expect_peer(SSL* session, const std::string& name);

// Why the peer's certificate was not accepted; empty if it was, or was not looked at.
[[nodiscard]] std::string certificate_fault(const SSL* session);
[[nodiscard]] inline std::string certificate_fault(const TlsSession& session) {
  return certificate_fault(session.ssl());
}

}  // namespace tidegate::net
