// A certificate authority for tests: what it issues lies in PEM files of a folder that goes with it.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::test {

// What a certificate is to say. Days count from now.
struct Wanted {
  std::vector<std::string> names = {"localhost"};  // DNS names; 127.0.0.1 and ::1 are always among them
  bool rsa = false;                                // else EC P-256
  int days_from = -1;
  int days_to = 30;
  std::string passphrase = {};  // of the key; empty: none
  std::string responder = {};   // URL of an OCSP responder; empty: none is named
  bool must_staple = false;
  bool chained = false;    // the authority's certificate lies behind it in its file
  std::string usage = {};  // extended key usage such as `OCSPSigning`
  int seconds_to = 0;      // beyond `days_to`
};

struct Issued {
  std::string certificate;  // files
  std::string key;
};

// What an OCSP response says of a certificate.
struct Saying {
  int status = 0;  // V_OCSP_CERTSTATUS_...: good
  std::chrono::seconds from{-3600};
  std::optional<std::chrono::seconds> to = std::chrono::hours(24);  // nothing: no nextUpdate
  const Issued* signer = nullptr;                                   // the authority itself if null
  std::chrono::system_clock::time_point now = std::chrono::system_clock::now();
};

class Authority {
 public:
  explicit Authority(const std::string& name = "an authority for tests");
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  // Its own certificate.
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] std::filesystem::path folder() const { return folder_; }
  [[nodiscard]] Issued issue(const Wanted& wanted = {});
  // A list of these certificates as revoked, good for a day.
  [[nodiscard]] std::string revoke(const std::vector<Issued>& revoked);
  // An OCSP response about this certificate, in DER.
  [[nodiscard]] std::string say(const Issued& issued, const Saying& saying = {});
  // A file with one that calls it good.
  [[nodiscard]] std::string staple(const Issued& issued);
  // A file in its folder.
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const;

 private:
  [[nodiscard]] std::string next_name(const std::string& ending);

  std::filesystem::path folder_;
  net::X509Ptr certificate_;
  net::KeyPtr key_;
  std::string file_;
  long serial_ = 1;
  int files_ = 0;
};

}  // namespace tidegate::test
