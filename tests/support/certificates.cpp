#include "tests/support/certificates.hpp"

#include <cstdlib>
#include <fstream>
#include <memory>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "tests/support/patience.hpp"

namespace tidegate::test {
namespace {

constexpr long kDay = 24 * 3600;

struct BioFree {
  void operator()(BIO* bio) const { ::BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

void expect(bool good, const char* what) {
  if (!good) throw Unexpected(std::string("OpenSSL cannot ") + what);
}

net::KeyPtr make_key(bool rsa) {
  auto* const key = rsa ? ::EVP_RSA_gen(2048) : ::EVP_EC_gen("P-256");
  expect(key != nullptr, "make a key");
  return net::KeyPtr(key);
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto* const extension = ::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  expect(extension != nullptr, "make an extension");
  ::X509_add_ext(certificate, extension, -1);
  ::X509_EXTENSION_free(extension);
}

net::X509Ptr blank(const std::string& name, EVP_PKEY* key, long serial, int days_from, int days_to) {
  net::X509Ptr certificate(::X509_new());
  auto* const raw = certificate.get();
  ::X509_set_version(raw, 2);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(raw), serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(raw), days_from * kDay);
  ::X509_gmtime_adj(::X509_getm_notAfter(raw), days_to * kDay);
  ::X509_set_pubkey(raw, key);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(raw), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  return certificate;
}

BioPtr create(const std::string& file) {
  BioPtr out(::BIO_new_file(file.c_str(), "w"));
  expect(out != nullptr, "create a file");
  return out;
}

net::X509Ptr read_certificate(const std::string& file) {
  const BioPtr in(::BIO_new_file(file.c_str(), "r"));
  return net::X509Ptr(::PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
}

net::KeyPtr read_key(const std::string& file) {
  const BioPtr in(::BIO_new_file(file.c_str(), "r"));
  return net::KeyPtr(::PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
}

struct TimeFree {
  void operator()(ASN1_TIME* time) const { ::ASN1_TIME_free(time); }
};

std::unique_ptr<ASN1_TIME, TimeFree> time_in(std::chrono::system_clock::time_point now,
                                             std::chrono::seconds span) {
  const auto seconds = std::chrono::system_clock::to_time_t(now + span);
  return std::unique_ptr<ASN1_TIME, TimeFree>(::ASN1_GENERALIZEDTIME_set(nullptr, seconds));
}

}  // namespace

Authority::Authority(const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "tidegate-ca-XXXXXX").string();
  expect(::mkdtemp(pattern.data()) != nullptr, "have a folder");
  folder_ = pattern;
  key_ = make_key(false);
  certificate_ = blank(name, key_.get(), serial_++, -1, 365);
  auto* const raw = certificate_.get();
  ::X509_set_issuer_name(raw, ::X509_get_subject_name(raw));
  add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
  add_extension(raw, raw, NID_subject_key_identifier, "hash");
  expect(::X509_sign(raw, key_.get(), ::EVP_sha256()) > 0, "sign a certificate");
  file_ = next_name("ca.pem");
  ::PEM_write_bio_X509(create(file_).get(), raw);
}

Authority::~Authority() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Authority::next_name(const std::string& ending) {
  return (folder_ / (std::to_string(++files_) + "-" + ending)).string();
}

std::string Authority::write(const std::string& name, const std::string& text) const {
  const auto file = folder_ / name;
  std::ofstream(file, std::ios::binary) << text;
  return file.string();
}

Issued Authority::issue(const Wanted& wanted) {
  const auto key = make_key(wanted.rsa);
  const auto certificate =
      blank(wanted.names.front(), key.get(), serial_++, wanted.days_from, wanted.days_to);
  if (wanted.seconds_to != 0)
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), wanted.days_to * kDay + wanted.seconds_to);
  auto* const raw = certificate.get();
  ::X509_set_issuer_name(raw, ::X509_get_subject_name(certificate_.get()));
  std::string names = "IP:127.0.0.1,IP:::1";
  for (const auto& name : wanted.names) names += ",DNS:" + name;
  add_extension(raw, certificate_.get(), NID_subject_alt_name, names);
  if (!wanted.responder.empty())
    add_extension(raw, certificate_.get(), NID_info_access, "OCSP;URI:" + wanted.responder);
  if (wanted.must_staple) add_extension(raw, certificate_.get(), NID_tlsfeature, "status_request");
  if (!wanted.usage.empty()) add_extension(raw, certificate_.get(), NID_ext_key_usage, wanted.usage);
  expect(::X509_sign(raw, key_.get(), ::EVP_sha256()) > 0, "sign a certificate");

  Issued issued{next_name("cert.pem"), next_name("key.pem")};
  const auto out = create(issued.certificate);
  ::PEM_write_bio_X509(out.get(), raw);
  if (wanted.chained) ::PEM_write_bio_X509(out.get(), certificate_.get());
  const auto* const passphrase = reinterpret_cast<const unsigned char*>(wanted.passphrase.data());
  const bool sealed = !wanted.passphrase.empty();
  ::PEM_write_bio_PrivateKey(create(issued.key).get(), key.get(), sealed ? ::EVP_aes_256_cbc() : nullptr,
                             sealed ? passphrase : nullptr, static_cast<int>(wanted.passphrase.size()),
                             nullptr, nullptr);
  std::filesystem::permissions(issued.key, std::filesystem::perms::owner_read);
  return issued;
}

std::string Authority::revoke(const std::vector<Issued>& revoked) {
  const std::unique_ptr<X509_CRL, decltype(&::X509_CRL_free)> list(::X509_CRL_new(), ::X509_CRL_free);
  auto* const raw = list.get();
  ::X509_CRL_set_version(raw, 1);
  ::X509_CRL_set_issuer_name(raw, ::X509_get_subject_name(certificate_.get()));
  const std::unique_ptr<ASN1_TIME, decltype(&::ASN1_TIME_free)> time(::ASN1_TIME_new(), ::ASN1_TIME_free);
  ::X509_gmtime_adj(time.get(), -kDay);
  ::X509_CRL_set1_lastUpdate(raw, time.get());
  for (const auto& issued : revoked) {
    auto* const entry = ::X509_REVOKED_new();
    const auto certificate = read_certificate(issued.certificate);
    ::X509_REVOKED_set_serialNumber(entry, ::X509_get_serialNumber(certificate.get()));
    ::X509_REVOKED_set_revocationDate(entry, time.get());
    ::X509_CRL_add0_revoked(raw, entry);
  }
  ::X509_gmtime_adj(time.get(), kDay);
  ::X509_CRL_set1_nextUpdate(raw, time.get());
  ::X509_CRL_sort(raw);
  expect(::X509_CRL_sign(raw, key_.get(), ::EVP_sha256()) > 0, "sign a revocation list");
  auto file = next_name("crl.pem");
  ::PEM_write_bio_X509_CRL(create(file).get(), raw);
  return file;
}

std::string Authority::say(const Issued& issued, const Saying& saying) {
  const auto certificate = read_certificate(issued.certificate);
  auto* const id = ::OCSP_cert_to_id(nullptr, certificate.get(), certificate_.get());
  const std::unique_ptr<OCSP_BASICRESP, decltype(&::OCSP_BASICRESP_free)> basic(::OCSP_BASICRESP_new(),
                                                                                ::OCSP_BASICRESP_free);
  const auto from = time_in(saying.now, saying.from);
  const auto to = saying.to ? time_in(saying.now, *saying.to) : nullptr;
  const bool revoked = saying.status == V_OCSP_CERTSTATUS_REVOKED;
  ::OCSP_basic_add1_status(basic.get(), id, saying.status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                           revoked ? from.get() : nullptr, from.get(), to.get());
  ::OCSP_CERTID_free(id);
  const auto signer = saying.signer != nullptr ? read_certificate(saying.signer->certificate) : nullptr;
  const auto key = saying.signer != nullptr ? read_key(saying.signer->key) : nullptr;
  expect(::OCSP_basic_sign(basic.get(), signer ? signer.get() : certificate_.get(),
                           key ? key.get() : key_.get(), ::EVP_sha256(), nullptr, 0) == 1,
         "sign a response");
  const std::unique_ptr<OCSP_RESPONSE, decltype(&::OCSP_RESPONSE_free)> response(
      ::OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()), ::OCSP_RESPONSE_free);
  unsigned char* der = nullptr;
  const int size = ::i2d_OCSP_RESPONSE(response.get(), &der);
  expect(size > 0, "write a response");
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return text;
}

std::string Authority::staple(const Issued& issued) {
  auto file = next_name("ocsp.der");
  std::ofstream(file, std::ios::binary) << say(issued);
  return file;
}

}  // namespace tidegate::test
