// What there is to say of a TLS connection: for variables, fields and logs.
#pragma once

#include <string>
#include <string_view>

#include "wire/net/tls_session.hpp"

namespace tidegate::net {

// Taken once after the handshake. Texts of the certificate are as nginx gives them.
struct TlsFacts {
  std::string_view protocol;  // `TLSv1.3`
  std::string_view cipher;    // OpenSSL's name
  std::string server_name;    // as asked for; empty if none was
  bool resumed = false;

  // Of the client's certificate, which was verified; empty if it showed none.
  std::string subject;      // RFC 2253
  std::string issuer;       // RFC 2253
  std::string serial;       // hexadecimal, upper case
  std::string fingerprint;  // SHA-1 of the DER, hexadecimal, lower case
  std::string certificate;  // RFC 9440 2.1: the DER in base64 between colons
  [[nodiscard]] bool has_certificate() const { return !certificate.empty(); }
};

[[nodiscard]] TlsFacts take_facts(const TlsSession& session);

}  // namespace tidegate::net
