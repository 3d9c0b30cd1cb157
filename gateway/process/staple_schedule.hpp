// When an OCSP response is fetched next: pure, from what is known of it.
#pragma once

#include <chrono>
#include <optional>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::gateway {

struct StaplePace {
  std::chrono::milliseconds shortest = std::chrono::minutes(1);  // between two fetches that went well
  std::chrono::milliseconds longest = std::chrono::hours(24);
  std::chrono::milliseconds first_back_off = std::chrono::minutes(1);  // doubles with each failure
  std::chrono::milliseconds longest_back_off = std::chrono::hours(1);
};

struct StapleFacts {
  net::WallTime asked;                   // when the last fetch began
  int failures = 0;                      // in a row, up to the last one
  std::optional<net::WallTime> expires;  // of the response in use
};

// Half of the time that the response has left, or the back-off after a failure; a tenth earlier or later by
// `jitter`, drawn evenly from -1 to 1, which spreads the certificates of many gateways over a responder's
// day.
[[nodiscard]] net::WallTime next_fetch(const StapleFacts& facts, const StaplePace& pace, double jitter);

}  // namespace tidegate::gateway
