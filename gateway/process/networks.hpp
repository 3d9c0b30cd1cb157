// A set of IP networks, and peers of Unix sockets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::gateway {

// Whom a connection comes from, or whom a header names, without port.
struct PeerAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as mapped IPv6
  bool is_unix = false;

  // An IP literal without brackets, or `unix:`; nullopt for anything else.
  [[nodiscard]] static std::optional<PeerAddress> from_text(std::string_view text);
};

struct Network {
  PeerAddress base;
  int bits = 128;  // of `base.bytes`

  // A CIDR text, an address (a network of one), or `unix:`; nullopt for what validation would have refused.
  [[nodiscard]] static std::optional<Network> from_text(std::string_view text);
  [[nodiscard]] bool contains(const PeerAddress& peer) const;
};

class Networks {
 public:
  Networks() = default;
  // Texts that validation has accepted; others are passed over.
  explicit Networks(const std::vector<std::string>& texts);

  // `address` is an IP literal or `unix:`; anything else is in no network. IPv4-mapped IPv6 counts as IPv4.
  [[nodiscard]] bool contains(std::string_view address) const;
  [[nodiscard]] static bool is_address(std::string_view text);
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  std::vector<Network> networks_;
};

}  // namespace tidegate::gateway
