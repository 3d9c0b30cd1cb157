#include "tests/prove/service_address.hpp"

#include <sstream>
#include <string>

#include <boost/asio/ip/address_v4.hpp>

#include "tests/support/own_network.hpp"

namespace tidegate::prove {

namespace {

constexpr const char* address_text = "10.96.0.1";
constexpr std::uint16_t service_port = 6001;

std::string rules(std::span<const std::uint16_t> ports) {
  std::ostringstream map;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    map << (i == 0 ? "" : ", ") << i << " : 127.0.0.1 . " << ports[i];
  }
  std::ostringstream out;
  out << "table ip prove\ndelete table ip prove\ntable ip prove {\n"
      << "  chain output {\n    type nat hook output priority -100; policy accept;\n"
      << "    ip daddr " << address_text << " tcp dport " << service_port << " dnat to numgen random mod "
      << ports.size() << " map { " << map.str() << " }\n  }\n";
  // Connections between clients and hop need no tracking; it would cost the two sides alike, for nothing.
  for (const char* hook : {"output", "prerouting"}) {
    out << "  chain untracked_" << hook << " {\n    type filter hook " << hook
        << " priority -300; policy accept;\n"
        << "    ip saddr 127.0.0.0/8 ip daddr 127.0.0.0/8 notrack\n  }\n";
  }
  out << "}\n";
  return out.str();
}

}  // namespace

void enter_service_network() {
  test::enter_own_network();
  test::add_address(address_text);
}

boost::asio::ip::tcp::endpoint service_address() {
  return {boost::asio::ip::make_address_v4(address_text), service_port};
}

void lead_to(std::span<const std::uint16_t> ports) {
  test::set_packet_rules(rules(ports));
}

}  // namespace tidegate::prove
