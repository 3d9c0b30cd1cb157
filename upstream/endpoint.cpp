#include "upstream/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "upstream/pick.hpp"

namespace tidegate::upstream {

Endpoint::Endpoint(EndpointId id, const std::string& name, conf::Address address, int max_connections,
                   const std::string& host)
    : id_(id),
      address_(std::move(address)),
      address_text_(address_.text()),
      identity_(nullptr),
      max_connections_(max_connections) {
  rename(name, host);
}

void Endpoint::rename(const std::string& name, const std::string& host) {
  const auto& shown = host.empty() ? address_.host : host;
  const auto* const before = identity_.load(std::memory_order_relaxed);
  const auto had = std::ranges::find_if(
      identities_, [&](const Identity& one) { return one.name == name && one.host == shown; });
  if (had == identities_.end()) {
    identities_.push_front({name, shown, hash_of(name)});
    identity_.store(&identities_.front(), std::memory_order_release);
  } else {
    identity_.store(&*had, std::memory_order_release);
  }
  if (before != nullptr && before->host != shown) expire_pools();
}

}  // namespace tidegate::upstream
