// TLS as configured, towards clients and towards pods. Files are PEM; they are read and checked when contexts
// are built (gateway/process/tls_contexts.hpp), not here.
#pragma once

#include <string>
#include <vector>

#include "conf/place.hpp"

namespace tidegate::conf {

struct CertificateFiles {
  std::string certificate;  // the leaf first, then what leads to the CA
  std::string key;
  std::string passphrase_file;  // its first line opens the key; empty: none is needed
  Place place;
  bool operator==(const CertificateFiles&) const = default;
};

// The OCSP response (RFC 6960) that is sent along with a certificate: lies in a file, is fetched, or is not
// sent at all.
struct OcspStaple {
  std::string file;  // DER; empty: none
  bool fetch = false;
  std::string responder;  // whom to ask, a URL; empty: whom the certificate names
  std::string issuer;     // PEM file with the certificate of its CA; empty: that lies with the certificate
  bool operator==(const OcspStaple&) const = default;
};

struct ServerCertificate {
  CertificateFiles files;
  std::vector<std::string> names;  // it is for these, exact or `*.suffix`; empty: those it was issued for
  OcspStaple staple;
  bool operator==(const ServerCertificate&) const = default;
};

enum class ClientCertificates { off, optional, required };

struct ClientCertificatePolicy {
  ClientCertificates mode = ClientCertificates::off;
  std::string ca;
  std::string crl;
  int depth = 1;
  Place place;
  bool operator==(const ClientCertificatePolicy&) const = default;
};

// A policy of its own for some server names.
struct NamedClientCertificates {
  std::vector<std::string> names;
  ClientCertificatePolicy policy;
  bool operator==(const NamedClientCertificates&) const = default;
};

enum class UnknownServerName { first_certificate, refuse };
enum class TlsVersion { tls_1_2, tls_1_3 };

struct ServerTls {
  std::vector<ServerCertificate> certificates;  // at least one, or `redirect`
  UnknownServerName unknown_name = UnknownServerName::first_certificate;
  TlsVersion oldest = TlsVersion::tls_1_2;
  std::string ciphers;        // of TLS 1.2, OpenSSL's spelling; empty: Mozilla's intermediate choice
  std::string cipher_suites;  // of TLS 1.3; empty: OpenSSL's
  ClientCertificatePolicy clients;
  std::vector<NamedClientCertificates> hosts;
  bool forward_client_certificate = false;  // as Client-Cert (RFC 9440)
  int handshakes = 8;   // steps of handshakes that a worker computes in one turn of its loop
  bool kernel = false;  // kTLS
  std::string hsts;     // value of Strict-Transport-Security; empty: none is sent
  Place place;
  bool operator==(const ServerTls&) const = default;
};

struct UpstreamTls {
  std::string server_name;  // for SNI and verification; empty: the endpoint's host as written
  bool verify = true;
  std::string ca;  // empty: the system's
  CertificateFiles certificate;
  TlsVersion oldest = TlsVersion::tls_1_2;
  Place place;
  bool operator==(const UpstreamTls&) const = default;
};

}  // namespace tidegate::conf
