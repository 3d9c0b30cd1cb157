#include "wire/net/tls_error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tidegate::net {
namespace {

class TlsCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int reason) const override {
    // What clear text looks like to who expects TLS.
    if (reason == SSL_R_WRONG_VERSION_NUMBER) return "wrong version number (does the endpoint speak TLS?)";
    const auto packed = ERR_PACK(ERR_LIB_SSL, 0, reason);
    const char* const text = ::ERR_reason_error_string(packed);
    return text != nullptr ? text : "TLS error " + std::to_string(reason);
  }
};

}  // namespace

const boost::system::error_category& tls_category() {
  static const TlsCategory category;
  return category;
}

error_code take_tls_error() {
  const auto first = ::ERR_get_error();
  ::ERR_clear_error();
  if (first == 0) return make_error(EPROTO);
  if (ERR_SYSTEM_ERROR(first)) return make_error(ERR_GET_REASON(first));
  return {ERR_GET_REASON(first), tls_category()};
}

}  // namespace tidegate::net
