// EndpointSlices (discovery.k8s.io/v1) as values, read from the JSON of the API server. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>
#include <boost/system/result.hpp>

#include "upstream/discovery/source.hpp"

namespace tidegate::upstream {

// A slice has addresses of one type. Those of FQDN are kept without their endpoints.
enum class AddressType : std::uint8_t { ipv4, ipv6, fqdn };

struct SlicePort {
  std::string name;                     // empty: the only one of its Service, without a name
  std::optional<std::uint16_t> number;  // of the pods; none: every port
  bool tcp = true;
  bool operator==(const SlicePort&) const = default;
};

struct SliceEndpoint {
  std::string host;                // an IP literal in its canonical spelling
  std::string pod;                 // of its targetRef; empty: none
  std::string uid;                 // likewise: tells apart two pods that have one name after another
  std::string zone;                // that it is in
  std::vector<std::string> zones;  // that are to use it (hints.forZones)
  Offer offer = Offer::serving;
  std::string_view evidence;  // the condition that makes it another offer: `terminating`
  bool operator==(const SliceEndpoint&) const = default;
};

struct EndpointSlice {
  std::string name;
  AddressType type = AddressType::ipv4;
  std::vector<SlicePort> ports;
  std::vector<SliceEndpoint> endpoints;
  bool operator==(const EndpointSlice&) const = default;
};

struct UnreadableSlice {
  std::string name;  // may be empty
  std::string why;
};

// The slice that an object of the API is. Of an endpoint with several addresses the first counts: those
// behind it have no meaning that is defined. The error says what is not as discovery.k8s.io/v1 has it;
// whoever wrote the slice (a controller, or a person) is to blame.
[[nodiscard]] boost::system::result<EndpointSlice, UnreadableSlice> read_slice(
    const boost::json::value& object);

}  // namespace tidegate::upstream
