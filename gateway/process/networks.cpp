#include "gateway/process/networks.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace tidegate::gateway {

std::optional<PeerAddress> PeerAddress::from_text(std::string_view text) {
  PeerAddress peer;
  if (text == "unix:") {
    peer.is_unix = true;
    return peer;
  }
  std::array<char, INET6_ADDRSTRLEN + 1> host{};
  if (text.empty() || text.size() >= host.size()) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton would stop there
  std::memcpy(host.data(), text.data(), text.size());
  auto& bytes = peer.bytes;
  if (::inet_pton(AF_INET6, host.data(), bytes.data()) == 1) return peer;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (::inet_pton(AF_INET, host.data(), bytes.data() + 12) != 1) return std::nullopt;
  return peer;
}

std::optional<Network> Network::from_text(std::string_view text) {
  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  const auto base = PeerAddress::from_text(host);
  if (!base) return std::nullopt;
  Network network{*base, 128};
  if (slash == std::string_view::npos) return network;
  std::from_chars(text.data() + slash + 1, text.data() + text.size(), network.bits);
  if (host.find(':') == std::string_view::npos) network.bits += 96;
  return network;
}

bool Network::contains(const PeerAddress& peer) const {
  if (base.is_unix || peer.is_unix) return base.is_unix == peer.is_unix;
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  peer.bytes.begin()))
    return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return (peer.bytes[whole] & mask) == (base.bytes[whole] & mask);
}

Networks::Networks(const std::vector<std::string>& texts) {
  for (const auto& text : texts) {
    if (const auto network = Network::from_text(text)) networks_.push_back(*network);
  }
}

bool Networks::is_address(std::string_view text) {
  const auto peer = PeerAddress::from_text(text);
  return peer && !peer->is_unix;
}

bool Networks::contains(std::string_view address) const {
  if (networks_.empty()) return false;
  const auto peer = PeerAddress::from_text(address);
  return peer && std::any_of(networks_.begin(), networks_.end(),
                             [&](const Network& network) { return network.contains(*peer); });
}

}  // namespace tidegate::gateway
