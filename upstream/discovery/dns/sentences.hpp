// What people are told of names and their answers: pure.
#pragma once

#include <string>
#include <vector>

#include "upstream/discovery/dns/name_search.hpp"
#include "upstream/discovery/source.hpp"

namespace tidegate::upstream::dns {

// Who was asked for what.
struct Question {
  std::string name;               // as written
  std::vector<RecordType> types;  // one for each answer of a finding
  std::string servers;            // see `Resolver::servers`
};

// Why `finding` did not renew all that was asked for, and what to do; "" if it did.
[[nodiscard]] std::string fault_of(const Question& question, const Finding& finding);

// Why some of `before` are not among `after`: "10.0.0.7 is no longer in the DNS answer for soketi.hex".
[[nodiscard]] std::string cause_of_leaving(const std::string& name,
                                           const std::vector<DiscoveredEndpoint>& before,
                                           const std::vector<DiscoveredEndpoint>& after);

// That `name` is a Service with one address for all of its pods, of which nothing can be seen, and what to
// write instead.
[[nodiscard]] std::string cluster_ip_warning(const std::string& name, const std::string& address);

}  // namespace tidegate::upstream::dns
