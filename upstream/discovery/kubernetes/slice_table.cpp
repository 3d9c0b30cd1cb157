#include "upstream/discovery/kubernetes/slice_table.hpp"

#include <algorithm>

#include "conf/units.hpp"

namespace tidegate::upstream {
namespace {

constexpr std::size_t most_addresses = 50'000;
constexpr std::size_t most_slices = 10'000;

using Port = boost::system::result<std::uint16_t, std::string>;

Port no_port(std::string why) {
  return {boost::system::in_place_error, std::move(why)};
}

// `ws (6001), metrics (9601)`.
std::string list_of(const std::vector<SlicePort>& ports) {
  std::string list;
  for (const auto& port : ports) {
    if (!list.empty()) list += ", ";
    list += port.name.empty() ? "one without a name" : port.name;
    list +=
        " (" + (port.number ? std::to_string(*port.number) : "any number") + (port.tcp ? ")" : ", not TCP)");
  }
  return list.empty() ? "none" : list;
}

// How good an offer is where several pods have one address.
int rank(Offer offer) {
  switch (offer) {
    case Offer::serving: return 2;
    case Offer::leaving: return 1;
    case Offer::not_serving: return 0;
  }
  return 0;
}

}  // namespace

// === slices ===

std::optional<std::string> SliceTable::put(const EndpointSlice& slice) {
  if (slices_.size() >= most_slices && !slices_.contains(slice.name))
    return "Service " + wanted_.service + " has more than " + std::to_string(most_slices) + " slices";
  Held held;
  held.occupied = !slice.endpoints.empty();
  const auto port = port_of(slice);
  if (port.has_error()) {
    held.fault = port.error();
  } else {
    held.claims = claims_of(slice, *port);
  }
  if (places_.size() + held.claims.size() > most_addresses) {
    held.claims.clear();
    held.fault = "has more than " + std::to_string(most_addresses) + " addresses";
  }
  const bool unused = held.occupied && !held.fault.empty();
  const auto why = "slice " + slice.name + " of Service " + wanted_.service + " " + held.fault;
  replace(slice.name, std::move(held));
  return unused ? std::optional(why) : std::nullopt;
}

void SliceTable::remove(const std::string& slice) {
  const auto found = slices_.find(slice);
  if (found == slices_.end()) return;
  for (const auto& claim : found->second.claims) drop(slice, claim.first);
  count(found->second, -1);
  slices_.erase(found);
}

void SliceTable::keep_only(const std::set<std::string>& slices) {
  std::vector<std::string> gone;
  for (const auto& held : slices_) {
    if (!slices.contains(held.first)) gone.push_back(held.first);
  }
  for (const auto& slice : gone) remove(slice);
}

void SliceTable::replace(const std::string& slice, Held held) {
  auto& before = slices_[slice];
  for (const auto& [address, claim] : before.claims) {
    const auto found = held.claims.find(address);
    if (found == held.claims.end() || found->second != claim) drop(slice, address);
  }
  for (const auto& [address, claim] : held.claims) {
    const auto found = before.claims.find(address);
    if (found != before.claims.end() && found->second == claim) continue;
    places_[address].claims.emplace_back(slice, claim);
    changed_.insert(address);
  }
  count(before, -1);
  count(held, 1);
  before = std::move(held);
}

void SliceTable::drop(const std::string& slice, const std::string& address) {
  std::erase_if(places_[address].claims, [&](const auto& claim) { return claim.first == slice; });
  changed_.insert(address);
}

void SliceTable::count(const Held& held, int by) {
  if (held.occupied) (held.fault.empty() ? used_ : unused_) += by;
}

std::optional<std::string> SliceTable::fault() const {
  if (used_ > 0 || unused_ == 0) return std::nullopt;
  const auto unused = [](const auto& held) { return held.second.occupied && !held.second.fault.empty(); };
  const auto first = std::find_if(slices_.begin(), slices_.end(), unused);
  return "slice " + first->first + " of Service " + wanted_.service + " " + first->second.fault;
}

// === ports and addresses ===

// The number by which the pods of a slice are reached, or what is wrong with its ports. A headless Service
// need not have any, and one without a number stands for every one.
Port SliceTable::port_of(const EndpointSlice& slice) const {
  if (slice.type == AddressType::fqdn)
    return no_port(
        "has names, which are not followed: only IPv4 and IPv6 slices are; let DNS discover names");
  const bool by_name = !wanted_.port_name.empty();
  const bool by_number = !by_name && wanted_.port != 0;
  if (by_number && slice.ports.empty()) return wanted_.port;

  const SlicePort* chosen = nullptr;
  for (const auto& port : slice.ports) {
    if (!port.tcp) continue;
    if (by_name && port.name != wanted_.port_name) continue;
    if (by_number && port.number.value_or(wanted_.port) != wanted_.port) continue;
    if (chosen != nullptr && !by_number)
      return no_port("has several ports: " + list_of(slice.ports) + "; say by name or number which it is");
    chosen = &port;
  }
  const auto number = chosen == nullptr ? std::nullopt : chosen->number;
  if (number) return *number;
  if (chosen != nullptr && by_number) return wanted_.port;
  const std::string have = "; it has " + list_of(slice.ports);
  if (by_name) return no_port("has no TCP port with the name " + conf::quote(wanted_.port_name) + have);
  if (!by_number) return no_port("has no TCP port with a number" + have);
  return no_port("has no TCP port " + std::to_string(wanted_.port) + have +
                 ". It is the port of the pods that counts (targetPort), not that of the Service");
}

SliceTable::Claims SliceTable::claims_of(const EndpointSlice& slice, std::uint16_t port) const {
  Claims claims;
  for (const auto& said : slice.endpoints) {
    Claim claim;
    claim.endpoint.address = {said.host, port, {}};
    claim.endpoint.name = said.pod;
    claim.endpoint.offer = said.offer;
    if (said.offer != Offer::serving)
      claim.endpoint.cause = "slice " + slice.name + " says " + std::string(said.evidence);
    // What is in the zone is near whatever the hints say; they may send traffic of the zone further.
    const auto& zones = said.zones;
    const bool near =
        said.zone == wanted_.zone || std::find(zones.begin(), zones.end(), wanted_.zone) != zones.end();
    claim.endpoint.priority = wanted_.zone.empty() || near ? 0 : 1;
    claim.uid = said.uid;
    const auto [place, fresh] = claims.emplace(claim.endpoint.address.text(), claim);
    if (!fresh && rank(claim.endpoint.offer) > rank(place->second.endpoint.offer)) place->second = claim;
  }
  return claims;
}

// === endpoints ===

// An endpoint that moves from one slice to another stands in both for a while, because changes of two slices
// come one after the other (Kubernetes, concepts, EndpointSlices, "Duplicate endpoints"). Which word is newer
// cannot be seen from slices, but:
// - a pod that terminates never comes back, so that one `terminating` of it is the newer word;
// - two pods that have one address one after the other, since it is given away before the object of the old
//   pod is gone, are two things, and the one that serves is what is reached there (kube-proxy does likewise);
// - else what came last.
const SliceTable::Claim& SliceTable::best(const Place& place) {
  const auto terminates = [&](const std::string& uid) {
    return std::any_of(place.claims.begin(), place.claims.end(), [&](const auto& claim) {
      return claim.second.uid == uid && claim.second.endpoint.offer == Offer::leaving;
    });
  };
  const Claim* best = nullptr;
  for (const auto& [slice, claim] : place.claims) {
    const auto offer = claim.endpoint.offer;
    const bool outdated = offer != Offer::leaving && !claim.uid.empty() && terminates(claim.uid);
    if (outdated) continue;
    if (best == nullptr || rank(offer) >= rank(best->endpoint.offer)) best = &claim;
  }
  return *best;  // what makes another one outdated is not so itself
}

// What is to be told of an address now; nothing if no slice has it. A pod has one name and may have several
// addresses (of both families): the first one that was told has the name, another goes by its address.
std::optional<DiscoveredEndpoint> SliceTable::offered(const std::string& address, const Place& place) const {
  if (place.claims.empty()) return std::nullopt;
  auto endpoint = best(place).endpoint;
  const auto holder = named_.find(endpoint.name);
  if (holder != named_.end() && holder->second != address) endpoint.name.clear();
  return endpoint;
}

std::vector<DiscoveryUpdate> SliceTable::take(const std::string& cause) {
  if (fault()) return {};
  Remove gone{{}, cause};
  for (const auto& address : changed_) {
    const auto place = places_.find(address);
    if (!place->second.claims.empty()) continue;
    if (const auto& told = place->second.told) {
      if (!told->name.empty()) named_.erase(told->name);
      gone.addresses.push_back(told->address);
    }
    places_.erase(place);
  }
  Upsert changed;
  for (const auto& address : changed_) {
    const auto place = places_.find(address);
    if (place == places_.end()) continue;
    const auto endpoint = offered(address, place->second);
    auto& told = place->second.told;
    if (endpoint == told) continue;
    if (told && !told->name.empty()) named_.erase(told->name);
    if (!endpoint->name.empty()) named_[endpoint->name] = address;
    changed.endpoints.push_back(*endpoint);
    told = endpoint;
  }
  changed_.clear();

  std::vector<DiscoveryUpdate> updates;
  if (!std::exchange(reset_told_, true)) {
    updates.emplace_back(Reset{std::move(changed.endpoints), cause});
    return updates;
  }
  if (!gone.addresses.empty()) updates.emplace_back(std::move(gone));
  if (!changed.endpoints.empty()) updates.emplace_back(std::move(changed));
  return updates;
}

}  // namespace tidegate::upstream
