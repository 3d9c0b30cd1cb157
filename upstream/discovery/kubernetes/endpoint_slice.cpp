#include "upstream/discovery/kubernetes/endpoint_slice.hpp"

#include <algorithm>

#include "upstream/discovery/kubernetes/json_members.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::upstream {
namespace {

namespace json = boost::json;
using Result = boost::system::result<EndpointSlice, UnreadableSlice>;

// What the API server itself lets through.
constexpr std::size_t most_endpoints = 1000;
constexpr std::size_t most_ports = 100;
constexpr std::size_t longest_word = 253;
constexpr std::size_t most_zones = 8;

// Names and identifiers come to stand in logs, metrics and cookies.
bool is_word(std::string_view text) {
  const auto fits = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; };
  return text.size() <= longest_word && std::all_of(text.begin(), text.end(), fits);
}

// Reads one object; remembers the first fault.
class SliceReader {
 public:
  Result read(const json::value& object) {
    slice_.name = word(member(member(&object, "metadata"), "name"), "metadata.name");
    if (slice_.name.empty()) blame("metadata.name", "a name");
    read_type(text(member(&object, "addressType")));
    read_ports(member(&object, "ports"));
    if (slice_.type == AddressType::fqdn) {
      note_endpoints(member(&object, "endpoints"));
    } else {
      read_endpoints(member(&object, "endpoints"));
    }
    if (fault_.empty()) return {boost::system::in_place_value, std::move(slice_)};
    const auto which = slice_.name.empty() ? "an EndpointSlice" : "EndpointSlice " + slice_.name;
    return {boost::system::in_place_error,
            UnreadableSlice{slice_.name, which + " cannot be used: " + fault_}};
  }

 private:
  void blame(const std::string& where, const std::string& expected) {
    if (fault_.empty()) fault_ = where + " is not " + expected;
  }

  std::string word(const json::value* value, const char* where) {
    if (value == nullptr) return {};
    const auto found = text(value);
    if (!value->is_string() || !is_word(found)) {
      blame(where, "a word of at most " + std::to_string(longest_word) + " characters");
      return {};
    }
    return std::string(found);
  }

  // The items of a list that may be absent; null where there are none to look at.
  const json::array* list(const json::value* value, const char* where, std::size_t most) {
    if (value == nullptr) return nullptr;
    const auto* const found = items(value);
    if (found != nullptr && found->size() <= most) return found;
    blame(where, "a list of at most " + std::to_string(most));
    return nullptr;
  }

  void read_type(std::string_view type) {
    if (type == "IPv4") {
      slice_.type = AddressType::ipv4;
    } else if (type == "IPv6") {
      slice_.type = AddressType::ipv6;
    } else if (type == "FQDN") {
      slice_.type = AddressType::fqdn;
    } else {
      blame("addressType", "IPv4, IPv6 or FQDN");
    }
  }

  void read_ports(const json::value* value) {
    const auto* const ports = list(value, "ports", most_ports);
    if (ports == nullptr) return;
    for (const auto& item : *ports) {
      SlicePort port;
      port.name = word(member(&item, "name"), "ports.name");
      const auto protocol = word(member(&item, "protocol"), "ports.protocol");
      port.tcp = protocol.empty() || protocol == "TCP";
      if (const auto* const number = member(&item, "port"); number != nullptr) {
        const auto found = number->is_int64() ? number->get_int64() : 0;
        if (found < 1 || found > 65535) return blame("ports.port", "a number from 1 to 65535");
        port.number = static_cast<std::uint16_t>(found);
      }
      slice_.ports.push_back(std::move(port));
    }
  }

  // Names are not followed; that there are any is told.
  void note_endpoints(const json::value* value) {
    const auto* const endpoints = list(value, "endpoints", most_endpoints);
    if (endpoints != nullptr) slice_.endpoints.resize(endpoints->size());
  }

  void read_endpoints(const json::value* value) {
    const auto* const endpoints = list(value, "endpoints", most_endpoints);
    if (endpoints == nullptr) return;
    slice_.endpoints.reserve(endpoints->size());
    for (const auto& item : *endpoints) {
      SliceEndpoint endpoint;
      endpoint.host = host(items(member(&item, "addresses")));
      const auto* const target = member(&item, "targetRef");
      if (text(member(target, "kind")) == "Pod") {
        endpoint.pod = word(member(target, "name"), "endpoints.targetRef.name");
        endpoint.uid = word(member(target, "uid"), "endpoints.targetRef.uid");
      }
      endpoint.zone = word(member(&item, "zone"), "endpoints.zone");
      read_zones(endpoint, member(member(&item, "hints"), "forZones"));
      read_conditions(endpoint, member(&item, "conditions"));
      if (!fault_.empty()) return;
      slice_.endpoints.push_back(std::move(endpoint));
    }
  }

  std::string host(const json::array* addresses) {
    const auto found =
        addresses == nullptr || addresses->empty() ? std::string_view() : text(&addresses->front());
    const bool v6 = slice_.type == AddressType::ipv6;
    const auto address = net::SocketAddress::from_ip(found, 0);
    if (address && address->family() == (v6 ? AF_INET6 : AF_INET)) return address->host();
    blame("endpoints.addresses[0]", v6 ? "an IPv6 address" : "an IPv4 address");
    return {};
  }

  void read_zones(SliceEndpoint& endpoint, const json::value* value) {
    const auto* const zones = list(value, "endpoints.hints.forZones", most_zones);
    if (zones == nullptr) return;
    for (const auto& item : *zones)
      endpoint.zones.push_back(word(member(&item, "name"), "endpoints.hints.forZones.name"));
  }

  // As the API's reference says of EndpointConditions: a `ready` that is not there is to be taken for true, a
  // `serving` for what `ready` says, and a `terminating` for false.
  void read_conditions(SliceEndpoint& endpoint, const json::value* conditions) {
    const auto ready = condition(conditions, "ready");
    const auto serving = condition(conditions, "serving");
    if (condition(conditions, "terminating").value_or(false)) {
      endpoint.offer = Offer::leaving;
      endpoint.evidence = "terminating";
    } else if (!serving.value_or(ready.value_or(true))) {
      endpoint.offer = Offer::not_serving;
      endpoint.evidence = serving ? "not serving" : "not ready";
    }
  }

  std::optional<bool> condition(const json::value* conditions, const char* name) {
    const auto* const found = member(conditions, name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_bool()) blame(std::string("endpoints.conditions.") + name, "true or false");
    return found->is_bool() && found->get_bool();
  }

  EndpointSlice slice_;
  std::string fault_;
};

}  // namespace

boost::system::result<EndpointSlice, UnreadableSlice> read_slice(const json::value& object) {
  return SliceReader().read(object);
}

}  // namespace tidegate::upstream
