#include "wire/net/tls_facts.hpp"

#include <array>
#include <memory>
#include <vector>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::net {
namespace {

std::string text_of(const X509_NAME* name) {
  const BioPtr out(::BIO_new(::BIO_s_mem()));
  if (!out || ::X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::string serial_of(const X509* certificate) {
  const std::unique_ptr<BIGNUM, decltype(&::BN_free)> number(
      ::ASN1_INTEGER_to_BN(::X509_get0_serialNumber(certificate), nullptr), ::BN_free);
  if (!number) return {};
  char* const digits = ::BN_bn2hex(number.get());
  std::string text = digits != nullptr ? digits : "";
  OPENSSL_free(digits);
  return text;
}

std::string fingerprint_of(const X509* certificate) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (::X509_digest(certificate, ::EVP_sha1(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text.push_back(digits[digest[i] >> 4]);
    text.push_back(digits[digest[i] & 15]);
  }
  return text;
}

std::string base64_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = ::i2d_X509(certificate, &bytes);
  if (size <= 0) return {};
  // Four characters for each three bytes, and OpenSSL's final zero.
  std::vector<unsigned char> text(static_cast<std::size_t>((size + 2) / 3 * 4 + 1));
  const int written = ::EVP_EncodeBlock(text.data(), bytes, size);
  OPENSSL_free(bytes);
  return ":" + std::string(text.begin(), text.begin() + written) + ":";
}

}  // namespace

TlsFacts take_facts(const TlsSession& session) {
  auto* const ssl = session.ssl();
  TlsFacts facts;
  facts.protocol = ::SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  facts.server_name = session.server_name();
  facts.resumed = session.resumed();
  const X509Ptr certificate(::SSL_get1_peer_certificate(ssl));
  if (!certificate) return facts;
  facts.subject = text_of(::X509_get_subject_name(certificate.get()));
  facts.issuer = text_of(::X509_get_issuer_name(certificate.get()));
  facts.serial = serial_of(certificate.get());
  facts.fingerprint = fingerprint_of(certificate.get());
  facts.certificate = base64_of(certificate.get());
  return facts;
}

}  // namespace tidegate::net
