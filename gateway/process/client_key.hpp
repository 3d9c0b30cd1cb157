// By what limits tell clients apart: an address cut to its prefix. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "conf/limits.hpp"

namespace tidegate::gateway {

// IPv4 as IPv4-mapped IPv6; all zeros where all clients are one.
struct ClientKey {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const ClientKey&) const = default;
  template <class Archive>
  void carry(Archive& archive) {
    archive(bytes);
  }
};

// `address` is an IP literal. Nothing for what has no address (the peer of a Unix socket): such clients
// cannot be told apart and are not limited by address.
[[nodiscard]] std::optional<ClientKey> client_key(std::string_view address, const conf::ClientLimit& limit);

// Depends on `seed`, which is random for each process: clients must not be able to choose addresses that
// fall together.
[[nodiscard]] std::uint64_t hash_of(const ClientKey& key, std::uint64_t seed);
[[nodiscard]] std::uint64_t random_seed();

}  // namespace tidegate::gateway
