#include "wire/net/tls_client.hpp"

#include <new>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "wire/net/socket_address.hpp"
#include "wire/net/tls_error.hpp"

namespace tidegate::net {
namespace {

constexpr unsigned char kOffered[] = "\x08http/1.1";

}  // namespace

TlsClient::TlsClient(const TlsClientSettings& settings, WallTime now)
    : server_name_(settings.server_name),
      verify_(settings.verify),
      context_(make_context(::TLS_client_method(), settings.choices)) {
  auto* const raw = context_.get();
  if (verify_) {
    if (!settings.authorities.empty()) {
      trust_authorities(raw, settings.authorities);
    } else if (::SSL_CTX_set_default_verify_paths(raw) != 1) {
      ::ERR_clear_error();
      throw TlsFault("", "the system's CA certificates cannot be loaded; name a file in `ca`");
    }
  }
  ::SSL_CTX_set_verify(raw, verify_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  // No upgrade works over HTTP/2, and nothing else is spoken here.
  ::SSL_CTX_set_alpn_protos(raw, kOffered, sizeof kOffered - 1);
  if (!settings.identity.certificate.empty()) use_certificate(raw, load_certificate(settings.identity, now));
}

SslPtr TlsClient::session(const std::string& host) const {
  SslPtr ssl(::SSL_new(context_.get()));
  if (!ssl) throw std::bad_alloc();
  expect_peer(ssl.get(), server_name_.empty() ? host : server_name_);
  ::SSL_set_connect_state(ssl.get());
  return ssl;
}

std::unique_ptr<TlsSession> TlsClient::connect(int socket, const std::string& host) const {
  return std::make_unique<TlsSession>(session(host), socket, nullptr);
}

void expect_peer(SSL* session, const std::string& name) {
  if (name.empty()) return;
  auto* const parameters = ::SSL_get0_param(session);
  if (SocketAddress::from_ip(name, 0)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str());
    return;
  }
  // RFC 6066 3: literal addresses are not sent.
  ::SSL_set_tlsext_host_name(session, name.c_str());
  ::X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  ::X509_VERIFY_PARAM_set1_host(parameters, name.data(), name.size());
}

std::string certificate_fault(const SSL* session) {
  // OpenSSL looks at it all the same, and remembers what it did not mind.
  if (::SSL_get_verify_mode(session) == SSL_VERIFY_NONE) return {};
  const auto result = ::SSL_get_verify_result(session);
  return result == X509_V_OK ? std::string() : ::X509_verify_cert_error_string(result);
}

}  // namespace tidegate::net
