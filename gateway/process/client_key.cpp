#include "gateway/process/client_key.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include <arpa/inet.h>

namespace tidegate::gateway {
namespace {

constexpr std::size_t kMappedPrefix = 12;  // bytes before the IPv4 address in ::ffff:a.b.c.d
constexpr std::array<std::uint8_t, kMappedPrefix> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void cut(ClientKey& key, int bits) {
  for (std::size_t i = 0; i < key.bytes.size(); ++i) {
    const int left = bits - static_cast<int>(i) * 8;
    if (left >= 8) continue;
    key.bytes[i] &= left <= 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(0xff << (8 - left));
  }
}

// The finalizer of splitmix64: every bit of the input moves about half of those of the result.
std::uint64_t mix(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}

}  // namespace

std::optional<ClientKey> client_key(std::string_view address, const conf::ClientLimit& limit) {
  ClientKey key;
  if (limit.key == conf::LimitKey::all) return key;
  std::array<char, INET6_ADDRSTRLEN + 1> text{};
  if (address.size() >= text.size()) return std::nullopt;
  std::memcpy(text.data(), address.data(), address.size());
  if (::inet_pton(AF_INET, text.data(), key.bytes.data() + kMappedPrefix) == 1) {
    std::copy(kMapped.begin(), kMapped.end(), key.bytes.begin());
  } else if (::inet_pton(AF_INET6, text.data(), key.bytes.data()) != 1) {
    return std::nullopt;
  }
  const bool mapped = std::equal(kMapped.begin(), kMapped.end(), key.bytes.begin());
  cut(key, mapped ? 96 + limit.ipv4_prefix : limit.ipv6_prefix);
  return key;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::uint64_t hash_of(const ClientKey& key, std::uint64_t seed) {
  std::array<std::uint64_t, 2> halves{};
  std::memcpy(halves.data(), key.bytes.data(), sizeof halves);
  return mix(mix(halves[0] ^ seed) + halves[1]);
}

}  // namespace tidegate::gateway
