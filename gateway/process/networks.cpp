#include "gateway/process/networks.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace tidegate::gateway {

bool Networks::parse(std::string_view text, Bytes& out, bool& v4) {
  std::array<char, INET6_ADDRSTRLEN + 1> host{};
  if (text.size() >= host.size()) return false;
  std::memcpy(host.data(), text.data(), text.size());
  out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  v4 = ::inet_pton(AF_INET, host.data(), out.data() + 12) == 1;
  return v4 || ::inet_pton(AF_INET6, host.data(), out.data()) == 1;
}

Networks::Networks(const std::vector<std::string>& cidrs) {
  for (const auto& cidr : cidrs) {
    const auto slash = cidr.find('/');
    Network network{};
    bool v4 = false;
    if (!parse(std::string_view(cidr).substr(0, slash), network.base, v4)) continue;
    network.bits = v4 ? 32 : 128;
    if (slash != std::string::npos)
      std::from_chars(cidr.data() + slash + 1, cidr.data() + cidr.size(), network.bits);
    if (v4) network.bits += 96;
    networks_.push_back(network);
  }
}

bool Networks::is_address(std::string_view text) {
  Bytes bytes{};
  bool v4 = false;
  return parse(text, bytes, v4);
}

bool Networks::contains(std::string_view address) const {
  Bytes bytes{};
  bool v4 = false;
  if (networks_.empty() || !parse(address, bytes, v4)) return false;
  return std::any_of(networks_.begin(), networks_.end(), [&](const Network& network) {
    const auto whole = static_cast<std::size_t>(network.bits / 8);
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), network.base.begin()))
      return false;
    const int rest = network.bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
    return (bytes[whole] & mask) == (network.base[whole] & mask);
  });
}

}  // namespace tidegate::gateway
