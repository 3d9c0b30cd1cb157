// Follows the SRV records of one name, and the addresses of their targets.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "upstream/discovery/dns/announcer.hpp"
#include "upstream/discovery/dns/endpoints.hpp"
#include "upstream/discovery/dns/name_watch.hpp"
#include "upstream/discovery/dns/resolver.hpp"

namespace tidegate::upstream::dns {

// Owned by its source, by a shared_ptr. A target that does not resolve keeps its last good addresses and
// stops no other; a new one is waited for until it has answered or failed, so that those that it replaces
// stay as long.
class ServiceFollower : public std::enable_shared_from_this<ServiceFollower> {
 public:
  // More targets than these are not followed, which is warned of.
  static constexpr std::size_t kMostTargets = 1'000;

  ServiceFollower(std::shared_ptr<Resolver> resolver, Target target, SourceEvents events);
  void begin();
  // Tells nothing from now on.
  void end();

 private:
  struct Host {
    std::shared_ptr<NameWatch> watch;
    bool heard = false;
    bool renewed = false;  // it had addresses when it was asked last
  };

  void hear(const Finding& finding);
  void hear_of(const std::string& target, const Finding& finding);
  void follow_targets();
  void announce(std::string fault);
  void warn_of(const std::vector<ServiceRecord>& services);

  std::shared_ptr<Resolver> resolver_;
  Target target_;
  std::shared_ptr<Announcer> announcer_;
  std::shared_ptr<NameWatch> watch_;
  std::vector<ServiceRecord> services_;
  bool renewed_ = false;  // there were records when they were asked for last
  std::map<std::string, Host, std::less<>> hosts_;
  Hosts memories_;  // of the same targets
  bool warned_ = false;
  bool cut_ = false;  // the records stand for more endpoints than are taken, which was said
};

}  // namespace tidegate::upstream::dns
