// The OCSP response that goes along with one certificate (RFC 6066 8), while others are still reading it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "wire/net/ocsp.hpp"
#include "wire/net/tls_error.hpp"

namespace tidegate::net {

// Thread-safe: handshakes read, and whoever fetches writes. A mutex that is held while a pointer is copied:
// libstdc++'s atomic shared_ptr is a lock as well, and one that the thread sanitizer does not understand.
class TlsStaple {
 public:
  // One that stays as it is.
  explicit TlsStaple(OcspResponse response);
  // One that is to be fetched; there is none until then.
  explicit TlsStaple(OcspInquiry inquiry) : inquiry_(std::move(inquiry)) {}

  // One that nobody can be asked for, or whose file is faulty: there is none but what was known before.
  explicit TlsStaple(TlsFault fault) : fault_(std::move(fault)) {}

  // How to fetch it; nullptr: that is not to be done.
  [[nodiscard]] const OcspInquiry* inquiry() const { return inquiry_ ? &*inquiry_ : nullptr; }
  // Why it cannot be had; nullptr: it can.
  [[nodiscard]] const TlsFault* fault() const { return fault_ ? &*fault_ : nullptr; }

  void set(std::shared_ptr<const OcspResponse> response);
  // The newest, expired or not; null if there was none yet.
  [[nodiscard]] std::shared_ptr<const OcspResponse> newest() const;
  // The one to send at `now`; null: none, because none came or what came has expired.
  [[nodiscard]] std::shared_ptr<const OcspResponse> at(WallTime now) const;

 private:
  const std::optional<OcspInquiry> inquiry_;
  const std::optional<TlsFault> fault_;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const OcspResponse> response_;
};

}  // namespace tidegate::net
