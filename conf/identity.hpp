// Who clients are and which of them are let in, as configured: the PROXY protocol, networks, origins and
// passwords. Plain values; files are read and checked where they are used.
#pragma once

#include <string>
#include <vector>

#include "conf/place.hpp"

namespace tidegate::conf {

// === the PROXY protocol ===

// Peers of a listener that may not send its header.
enum class OtherPeers {
  refuse,  // their connections are closed
  direct,  // they are clients themselves, and no header is expected of them
};

// Connections from these networks begin with a PROXY protocol header, always: whether it is there is never
// guessed from the bytes.
struct ProxyProtocolIn {
  std::vector<std::string> from;  // CIDR, or `unix:`
  OtherPeers others = OtherPeers::refuse;
  bool operator==(const ProxyProtocolIn&) const = default;
};

enum class ProxyProtocolOut { off, v1, v2 };

// === networks ===

// Which header of a trusted proxy names the client.
enum class ClientAddressFrom { x_forwarded_for, forwarded, none };

// One line of an access list: the first whose network has the client decides, and where none has it the
// client is let in (nginx's meaning).
struct AccessRule {
  bool allow = false;
  std::string network;  // CIDR, `unix:` or `all`
  bool operator==(const AccessRule&) const = default;
};
using AccessRules = std::vector<AccessRule>;

// === origins ===

// Which web pages may open WebSockets (RFC 6455 10.2). Pages of other sites could otherwise open them with
// the cookies of whoever looks at them.
struct OriginPolicy {
  // `https://app.example.com`, with `*.` for every name below one, without a scheme for http and https at any
  // port; `self` for pages of the host asked for; `null`.
  std::vector<std::string> allowed;
  bool required = false;  // refuse handshakes without Origin, which only programs other than browsers send
  bool operator==(const OriginPolicy&) const = default;
};

// === passwords ===

struct BasicAuth {
  std::string realm = "restricted";
  std::string file;  // in the format of Apache's htpasswd
  Place place;
  bool operator==(const BasicAuth&) const = default;
};

}  // namespace tidegate::conf
