// Limits per client, as plain values.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "conf/place.hpp"

namespace tidegate::conf {

// At most so many events per time, with nginx's meaning of `limit_req`: what comes ahead of the rate is taken
// up to `burst` and refused beyond it; of what is taken, the first `delay` go at once and the others wait
// until the rate has caught up with them.
struct RateLimit {
  std::chrono::nanoseconds interval{0};  // between two events at the rate; 0: no limit
  std::uint32_t burst = 0;
  std::uint32_t delay = 0;
  bool no_delay = false;  // none waits

  [[nodiscard]] bool limits() const { return interval.count() > 0; }
  bool operator==(const RateLimit&) const = default;
};

// How many limits a listener or a route may name.
inline constexpr std::size_t most_limits_at_once = 8;

// Whom a limit counts together.
enum class LimitKey { client_address, all };

// A named limit; listeners and routes that name it share its counts, and those alone.
struct ClientLimit {
  std::string name;
  LimitKey key = LimitKey::client_address;
  int ipv4_prefix = 32;  // addresses that are equal in so many bits are one client
  int ipv6_prefix = 64;
  RateLimit requests;
  RateLimit handshakes;           // upgrades; they are requests too
  std::uint32_t connections = 0;  // at once; 0: no limit
  std::uint32_t websockets = 0;   // at once, those being opened included; 0: no limit
  // Clients that are remembered; over it the one that was away the longest is forgotten.
  std::size_t addresses = 100'000;
  bool dry_run = false;  // counts and logs only
  Place place;

  // What it counts and how: equal ones can go on with the same counts.
  [[nodiscard]] bool counts_like(const ClientLimit& other) const {
    return key == other.key && ipv4_prefix == other.ipv4_prefix && ipv6_prefix == other.ipv6_prefix &&
           requests == other.requests && handshakes == other.handshakes && connections == other.connections &&
           websockets == other.websockets && addresses == other.addresses && dry_run == other.dry_run;
  }
  bool operator==(const ClientLimit&) const = default;
};

}  // namespace tidegate::conf
