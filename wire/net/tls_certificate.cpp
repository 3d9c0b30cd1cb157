#include "wire/net/tls_certificate.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <ctime>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "wire/net/tls_error.hpp"
#include "wire/net/whole_file.hpp"

namespace tidegate::net {
namespace {

BioPtr reader_of(const std::string& text) {
  return BioPtr(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// OpenSSL's callback for the passphrase of a key: its argument is the passphrase, or nullptr.
int give_passphrase(char* out, int size, int, void* passphrase) {
  if (passphrase == nullptr) return -1;
  const auto& text = *static_cast<std::string*>(passphrase);
  const auto count = std::min(text.size(), static_cast<std::size_t>(size));
  std::memcpy(out, text.data(), count);
  return static_cast<int>(count);
}

void load_chain(Certificate& into, WallTime now) {
  const auto& file = into.files.certificate;
  const auto text = read_pem_file(file);
  const auto bio = reader_of(text);
  ::ERR_clear_error();
  into.leaf.reset(::PEM_read_bio_X509_AUX(bio.get(), nullptr, give_passphrase, nullptr));
  if (!into.leaf) {
    ::ERR_clear_error();
    throw TlsFault(file, "holds no PEM certificate (-----BEGIN CERTIFICATE-----) that can be read");
  }
  while (X509* next = ::PEM_read_bio_X509(bio.get(), nullptr, give_passphrase, nullptr)) {
    into.chain.emplace_back(next);
  }
  const auto last = ::ERR_peek_last_error();
  ::ERR_clear_error();
  if (last != 0 && ERR_GET_REASON(last) != PEM_R_NO_START_LINE) {
    throw TlsFault(file, "certificate " + std::to_string(into.chain.size() + 2) + " in it cannot be read");
  }
  const auto begins = time_of(::X509_get0_notBefore(into.leaf.get()));
  if (into.expires() <= now) throw TlsFault(file, "the certificate expired on " + day_of(into.expires()));
  if (begins > now) throw TlsFault(file, "the certificate is not valid before " + day_of(begins));
}

std::string first_line(const std::string& file) {
  auto text = read_pem_file(file);
  text.resize(std::min(text.size(), text.find_first_of("\r\n")));
  return text;
}

void load_key(Certificate& into) {
  const auto& file = into.files.key;
  const auto text = read_pem_file(file);
  const auto bio = reader_of(text);
  std::string passphrase;
  if (!into.files.passphrase.empty()) passphrase = first_line(into.files.passphrase);
  ::ERR_clear_error();
  into.key.reset(::PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase,
                                           into.files.passphrase.empty() ? nullptr : &passphrase));
  ::ERR_clear_error();
  if (!into.key) {
    const bool sealed = text.find("ENCRYPTED") != std::string::npos;
    if (sealed && into.files.passphrase.empty())
      throw TlsFault(file, "the key is encrypted: name a file with its passphrase in `passphraseFile`");
    if (sealed)
      throw TlsFault(file, "the passphrase in " + into.files.passphrase + " does not open this key");
    throw TlsFault(file, "holds no PEM private key (-----BEGIN PRIVATE KEY-----) that can be read");
  }
  if (::X509_check_private_key(into.leaf.get(), into.key.get()) != 1) {
    ::ERR_clear_error();
    throw TlsFault(file, "is not the key of the certificate in " + into.files.certificate);
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(::ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(::ASN1_STRING_length(value))};
}

}  // namespace

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ::ASN1_TIME_to_tm(time, &parts) != 1) return {};
  constexpr auto first = std::chrono::ceil<std::chrono::seconds>(WallTime::min());
  constexpr auto last = std::chrono::floor<std::chrono::seconds>(WallTime::max());
  const std::chrono::sys_seconds found{std::chrono::seconds(::timegm(&parts))};
  return std::clamp(found, first, last);
}

std::string day_of(WallTime time) {
  const auto seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

std::string read_pem_file(const std::string& file) {
  auto text = read_whole_file(file);
  if (!text) throw TlsFault(file, text.error().why);
  return std::move(*text);
}

std::vector<std::string> Certificate::names() const {
  std::vector<std::string> names;
  auto* const alternatives =
      static_cast<GENERAL_NAMES*>(::X509_get_ext_d2i(leaf.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const auto* const name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) names.push_back(lower(text_of(name->d.dNSName)));
  }
  ::GENERAL_NAMES_free(alternatives);
  if (!names.empty()) return names;
  const auto* const subject = ::X509_get_subject_name(leaf.get());
  const int at = ::X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) {
    const auto* const entry = ::X509_NAME_get_entry(subject, at);
    names.push_back(lower(text_of(::X509_NAME_ENTRY_get_data(entry))));
  }
  return names;
}

WallTime Certificate::expires() const {
  return time_of(::X509_get0_notAfter(leaf.get()));
}

std::string Certificate::key_type() const {
  const char* const name = ::EVP_PKEY_get0_type_name(key.get());
  return name != nullptr ? name : "unknown";
}

Certificate load_certificate(const CertificateFiles& files, WallTime now) {
  Certificate certificate;
  certificate.files = files;
  load_chain(certificate, now);
  load_key(certificate);
  return certificate;
}

std::vector<std::string> warnings_of(const Certificate& certificate, WallTime now, std::chrono::hours soon) {
  std::vector<std::string> warnings;
  struct stat about {};
  if (::stat(certificate.files.key.c_str(), &about) == 0 && (about.st_mode & S_IROTH) != 0) {
    warnings.push_back(certificate.files.key +
                       ": everybody on this machine may read this private key; chmod 640");
  }
  const auto left = certificate.expires() - now;
  if (left < soon) {
    const auto days = std::chrono::duration_cast<std::chrono::hours>(left).count() / 24;
    warnings.push_back(certificate.files.certificate + ": the certificate ends in " + std::to_string(days) +
                       " days, on " + day_of(certificate.expires()));
  }
  return warnings;
}

}  // namespace tidegate::net
