// Certificates and keys as they lie in PEM files (RFC 7468), checked before anything is served with them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace tidegate::net {

struct X509Free {
  void operator()(X509* certificate) const { ::X509_free(certificate); }
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
};
struct BioFree {
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

using WallTime = std::chrono::system_clock::time_point;

// The files of one certificate.
struct CertificateFiles {
  std::string certificate;  // the leaf first, then what leads to the CA
  std::string key;
  std::string passphrase;  // a file whose first line opens the key; empty: none is needed
};

// A certificate with its chain and its private key.
struct Certificate {
  CertificateFiles files;
  X509Ptr leaf;
  std::vector<X509Ptr> chain;
  KeyPtr key;

  // The DNS names of its subjectAltName, lower case; the common name if there are none (RFC 6125 6.4.4).
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] WallTime expires() const;
  // `EC`, `RSA`, ...: of two certificates for the same name the client's abilities choose by this.
  [[nodiscard]] std::string key_type() const;
};

// Throws TlsFault naming the file and the reason: missing, not readable, not PEM, no certificate in it,
// expired or not yet valid at `now`, a key of another certificate, a passphrase that is lacking or wrong.
[[nodiscard]] Certificate load_certificate(const CertificateFiles& files, WallTime now);

// What should be put right although it works, one sentence each: a key that everybody may read, a certificate
// that ends within `soon`.
[[nodiscard]] std::vector<std::string> warnings_of(const Certificate& certificate, WallTime now,
                                                   std::chrono::hours soon);

// Of a certificate or another signed statement; the earliest time if it is none. Times that a WallTime cannot
// hold, such as the year 9999 of those that are to have no end (RFC 5280 4.1.2.5), become its bounds.
[[nodiscard]] WallTime time_of(const ASN1_TIME* time);
// For people: `2030-01-31 12:00 UTC`.
[[nodiscard]] std::string day_of(WallTime time);

// The whole of a file. Throws TlsFault with the system's reason.
[[nodiscard]] std::string read_pem_file(const std::string& file);

}  // namespace tidegate::net
