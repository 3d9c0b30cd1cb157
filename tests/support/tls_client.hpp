// TLS clients and servers as a test wants them.
#pragma once

#include <memory>
#include <string>

#include "tests/support/certificates.hpp"
#include "wire/net/tls_context.hpp"
#include "wire/net/tls_session.hpp"

namespace tidegate::test {

struct SslSessionFree {
  void operator()(SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
};
using SslSessionPtr = std::unique_ptr<SSL_SESSION, SslSessionFree>;

// What a client offers. Every session made from one object shares a context, so that it may be resumed.
class TlsClientSide {
 public:
  explicit TlsClientSide(const Authority& trusted);

  TlsClientSide& name(std::string server_name);  // empty: no SNI
  TlsClientSide& versions(int oldest, int newest);
  TlsClientSide& alpn(const std::string& protocols);  // in wire form: "\x02h2\x08http/1.1"
  TlsClientSide& signatures(const std::string& list);
  TlsClientSide& show(const Issued& certificate);
  // Resumes what `ticket` took before.
  TlsClientSide& resume(SSL_SESSION* session);
  TlsClientSide& ask_for_staple();

  [[nodiscard]] net::SslPtr session() const;
  // The newest ticket that any session of this client was given; nullptr if none came.
  [[nodiscard]] SslSessionPtr ticket() const;

 private:
  net::SslContextPtr context_;
  std::string name_;
  SSL_SESSION* resumed_ = nullptr;
  bool staple_ = false;
  std::shared_ptr<SslSessionPtr> ticket_;
};

// The common name of the certificate that the server showed.
[[nodiscard]] std::string peer_name(SSL* ssl);

// A server's session for `RawSocket::secure`, with this certificate; asks for no client's.
[[nodiscard]] net::SslPtr server_session(const Issued& certificate);

}  // namespace tidegate::test
