// A set of IP networks.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::gateway {

class Networks {
 public:
  // CIDR texts that validation has accepted; an address without `/n` is one host. Others are passed over.
  explicit Networks(const std::vector<std::string>& cidrs);

  // `address` is an IP literal; anything else is in no network. IPv4-mapped IPv6 counts as IPv4.
  [[nodiscard]] bool contains(std::string_view address) const;
  [[nodiscard]] static bool is_address(std::string_view text);
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  using Bytes = std::array<std::uint8_t, 16>;  // IPv4 as mapped IPv6
  struct Network {
    Bytes base;
    int bits;
  };
  static bool parse(std::string_view text, Bytes& out, bool& v4);
  std::vector<Network> networks_;
};

}  // namespace tidegate::gateway
