// What all contexts have in common, towards clients and towards pods.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::net {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using SslContextPtr = std::unique_ptr<SSL_CTX, SslContextFree>;

struct TlsChoices {
  int oldest = TLS1_2_VERSION;  // TLS1_2_VERSION or TLS1_3_VERSION
  std::string ciphers;          // of TLS 1.2, OpenSSL's spelling; empty: Mozilla's intermediate choice
  std::string cipher_suites;    // of TLS 1.3; empty: OpenSSL's own
  bool kernel = false;          // kTLS where the kernel and the cipher have it
};

// A context without certificates: no renegotiation, no compression, no buffers while idle, no session cache.
// Throws TlsFault for ciphers that OpenSSL does not know.
[[nodiscard]] SslContextPtr make_context(const SSL_METHOD* method, const TlsChoices& choices);

// Of several certificates with keys of one type the first stays.
void use_certificate(SSL_CTX* context, const Certificate& certificate);

// Whom to believe. Throws TlsFault naming the file.
void trust_authorities(SSL_CTX* context, const std::string& file);
// Refuses what the CRLs in `file` list; all CAs of a chain must have one there.
void refuse_revoked(SSL_CTX* context, const std::string& file);

}  // namespace tidegate::net
