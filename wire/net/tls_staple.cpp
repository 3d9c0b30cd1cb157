#include "wire/net/tls_staple.hpp"

namespace tidegate::net {

TlsStaple::TlsStaple(OcspResponse response)
    : response_(std::make_shared<const OcspResponse>(std::move(response))) {}

void TlsStaple::set(std::shared_ptr<const OcspResponse> response) {
  const std::lock_guard lock(mutex_);
  response_.swap(response);  // the old one ends outside of the lock
}

std::shared_ptr<const OcspResponse> TlsStaple::newest() const {
  const std::lock_guard lock(mutex_);
  return response_;
}

std::shared_ptr<const OcspResponse> TlsStaple::at(WallTime now) const {
  auto response = newest();
  if (response && response->expires <= now) response.reset();
  return response;
}

}  // namespace tidegate::net
