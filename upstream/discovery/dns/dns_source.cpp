#include "upstream/discovery/dns/dns_source.hpp"

#include <utility>

#include "upstream/discovery/dns/address_follower.hpp"
#include "upstream/discovery/dns/service_follower.hpp"

namespace tidegate::upstream::dns {
namespace {

template <class Follower>
class DnsSource final : public Source {
 public:
  explicit DnsSource(std::shared_ptr<Follower> follower) : follower_(std::move(follower)) {
    follower_->begin();
  }
  ~DnsSource() override { follower_->end(); }

 private:
  std::shared_ptr<Follower> follower_;
};

template <class Follower>
std::unique_ptr<Source> make_source(std::shared_ptr<Resolver> resolver, Target target, SourceEvents events) {
  return std::make_unique<DnsSource<Follower>>(
      std::make_shared<Follower>(std::move(resolver), std::move(target), std::move(events)));
}

}  // namespace

std::unique_ptr<Source> make_dns_source(std::shared_ptr<Resolver> resolver, Target target,
                                        SourceEvents events) {
  if (target.what.srv) {
    return make_source<ServiceFollower>(std::move(resolver), std::move(target), std::move(events));
  }
  return make_source<AddressFollower>(std::move(resolver), std::move(target), std::move(events));
}

}  // namespace tidegate::upstream::dns
