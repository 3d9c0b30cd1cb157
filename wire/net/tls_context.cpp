#include "wire/net/tls_context.hpp"

#include <new>

#include <openssl/err.h>

#include "wire/net/tls_error.hpp"

namespace tidegate::net {
namespace {

// https://wiki.mozilla.org/Security/Server_Side_TLS, intermediate, without the DHE suites: whoever has those
// has ECDHE too, and finite-field exponents cost the server most (CVE-2002-20001).
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

STACK_OF(X509) * stack_of(const std::vector<X509Ptr>& chain) {
  auto* const stack = sk_X509_new_null();
  for (const auto& certificate : chain) sk_X509_push(stack, certificate.get());
  return stack;
}

}  // namespace

SslContextPtr make_context(const SSL_METHOD* method, const TlsChoices& choices) {
  SslContextPtr context(::SSL_CTX_new(method));
  if (!context) throw std::bad_alloc();
  auto* const raw = context.get();
  ::SSL_CTX_set_min_proto_version(raw, choices.oldest);
  ::SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (choices.kernel) ::SSL_CTX_set_options(raw, SSL_OP_ENABLE_KTLS);
  ::SSL_CTX_set_mode(
      raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  // One system call reads header and body of a record.
  ::SSL_CTX_set_read_ahead(raw, 1);
  if (::SSL_CTX_set_cipher_list(raw, choices.ciphers.empty() ? kCiphers : choices.ciphers.c_str()) != 1) {
    ::ERR_clear_error();
    throw TlsFault("", "`ciphers` names no cipher that OpenSSL knows; `openssl ciphers -v` lists them");
  }
  if (!choices.cipher_suites.empty() && ::SSL_CTX_set_ciphersuites(raw, choices.cipher_suites.c_str()) != 1) {
    ::ERR_clear_error();
    throw TlsFault("",
                   "`cipherSuites` names something that is no suite of TLS 1.3; `openssl ciphers -s -tls1_3` "
                   "lists them");
  }
  return context;
}

void use_certificate(SSL_CTX* context, const Certificate& certificate) {
  auto* const chain = stack_of(certificate.chain);
  const int used =
      ::SSL_CTX_use_cert_and_key(context, certificate.leaf.get(), certificate.key.get(), chain, 0);
  sk_X509_free(chain);
  const auto error = used == 1 ? 0 : ::ERR_peek_last_error();
  ::ERR_clear_error();
  if (used == 1 || ERR_GET_REASON(error) == SSL_R_NOT_REPLACING_CERTIFICATE) return;
  const char* const why = ::ERR_reason_error_string(error);
  throw TlsFault(certificate.files.certificate, std::string("OpenSSL refuses this certificate: ") +
                                                    (why != nullptr ? why : "no reason given"));
}

void trust_authorities(SSL_CTX* context, const std::string& file) {
  (void)read_pem_file(file);  // for the system's reason
  const bool loaded = ::SSL_CTX_load_verify_file(context, file.c_str()) == 1;
  ::ERR_clear_error();
  if (!loaded) throw TlsFault(file, "holds no CA certificate in PEM that can be read");
}

void refuse_revoked(SSL_CTX* context, const std::string& file) {
  (void)read_pem_file(file);
  auto* const store = ::SSL_CTX_get_cert_store(context);
  auto* const lookup = ::X509_STORE_add_lookup(store, ::X509_LOOKUP_file());
  const int count = ::X509_load_crl_file(lookup, file.c_str(), X509_FILETYPE_PEM);
  ::ERR_clear_error();
  if (count < 1)
    throw TlsFault(file, "holds no certificate revocation list in PEM (-----BEGIN X509 CRL-----)");
  ::X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

}  // namespace tidegate::net
