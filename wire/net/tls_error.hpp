// Failures of TLS as values of the same kind as those of sockets.
#pragma once

#include <stdexcept>
#include <string>

#include "wire/net/failure.hpp"

namespace tidegate::net {

// Codes are OpenSSL's reason numbers (`SSL_R_...`); `message()` is OpenSSL's text for them.
[[nodiscard]] const boost::system::error_category& tls_category();

// The oldest entry of the calling thread's OpenSSL queue, which it empties; EPROTO if there was none.
[[nodiscard]] error_code take_tls_error();

// A certificate, key, CA or setting that cannot be used, found while contexts are built. `file` is empty if
// none is to blame; `what()` is the reason and the fix, for people.
class TlsFault : public std::runtime_error {
 public:
  TlsFault(std::string file, const std::string& why) : std::runtime_error(why), file_(std::move(file)) {}
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  std::string file_;
};

}  // namespace tidegate::net
