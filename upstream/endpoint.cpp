#include "upstream/endpoint.hpp"

#include <utility>

#include "upstream/pick.hpp"

namespace tidegate::upstream {

Endpoint::Endpoint(EndpointId id, std::string name, conf::Address address, int max_connections,
                   std::string host)
    : id_(id),
      address_(std::move(address)),
      address_text_(address_.text()),
      host_(std::move(host)),
      identity_(nullptr),
      max_connections_(max_connections) {
  rename(std::move(name));
}

void Endpoint::rename(std::string name) {
  const auto hash = hash_of(name);
  identities_.push_front({std::move(name), hash});
  identity_.store(&identities_.front(), std::memory_order_release);
}

}  // namespace tidegate::upstream
