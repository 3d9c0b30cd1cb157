// Follows the addresses of one name.
#pragma once

#include <memory>
#include <string>

#include "upstream/discovery/dns/announcer.hpp"
#include "upstream/discovery/dns/endpoints.hpp"
#include "upstream/discovery/dns/host_memory.hpp"
#include "upstream/discovery/dns/name_watch.hpp"
#include "upstream/discovery/dns/resolver.hpp"

namespace tidegate::upstream::dns {

// The record types by which a host's addresses are asked for.
[[nodiscard]] std::vector<RecordType> types_of(conf::AddressFamily family);

// Owned by its source, by a shared_ptr.
class AddressFollower : public std::enable_shared_from_this<AddressFollower> {
 public:
  AddressFollower(std::shared_ptr<Resolver> resolver, Target target, SourceEvents events);
  void begin();
  // Tells nothing from now on.
  void end();

 private:
  void hear(const Finding& finding);
  void ask_for_service();
  void hear_of_service(const std::string& address, const Answer& answer);

  std::shared_ptr<Resolver> resolver_;
  Target target_;
  std::shared_ptr<Announcer> announcer_;
  std::shared_ptr<NameWatch> watch_;
  HostMemory host_;
  std::string judged_;  // the address of which it is known whether it is a Service's
  bool judging_ = false;
  bool warned_ = false;
};

}  // namespace tidegate::upstream::dns
