// What is known of a host's addresses: pure.
#pragma once

#include <string>
#include <vector>

#include "upstream/discovery/dns/name_search.hpp"

namespace tidegate::upstream::dns {

// Each address family keeps its last good answer: one that cannot be asked stays while the other is renewed.
// Records in one of them make the other one, if it has none, empty; none in either leave all as it was.
class HostMemory {
 public:
  // Takes what was found by asking for `types`, A or AAAA or both.
  void take(const Finding& finding, const std::vector<RecordType>& types);

  // IP literals, those of IPv4 first.
  [[nodiscard]] std::vector<std::string> addresses() const;
  // The name that they are of; "" before any is known.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_dual_stack() const { return !ipv4_.empty() && !ipv6_.empty(); }
  // There is an address, and no family has a second one.
  [[nodiscard]] bool is_single() const;

 private:
  std::string name_;
  std::vector<std::string> ipv4_;
  std::vector<std::string> ipv6_;
};

}  // namespace tidegate::upstream::dns
