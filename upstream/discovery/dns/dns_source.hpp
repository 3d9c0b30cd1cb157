// The DNS as a source of discovery.
#pragma once

#include <memory>

#include "upstream/discovery/dns/endpoints.hpp"
#include "upstream/discovery/dns/resolver.hpp"
#include "upstream/discovery/source.hpp"

namespace tidegate::upstream::dns {

// Follows the addresses of a name, or the targets of its SRV records and their addresses. What was known
// stays while it cannot be asked, while it does not exist, and while it has no address; each of these is a
// failure. The first Reset of SRV records comes once each target has answered or failed.
[[nodiscard]] std::unique_ptr<Source> make_dns_source(std::shared_ptr<Resolver> resolver, Target target,
                                                      SourceEvents events);

}  // namespace tidegate::upstream::dns
