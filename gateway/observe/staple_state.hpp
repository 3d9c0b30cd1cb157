// What is to be known of the OCSP responses that certificates are sent with.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/net/tls_certificate.hpp"

namespace tidegate::gateway {

class Exposition;

// How a fetch ended.
enum class StapleResult : std::uint8_t {
  good,
  unreachable,  // no name, no connection, or one that was lost
  timeout,
  http,         // an answer that is not HTTP, has another status than 200, or is too large
  malformed,    // no OCSP response
  refused,      // the responder says that it will not or cannot tell (tryLater, unauthorized, ...)
  unverified,   // not signed by the CA, or about another certificate
  not_current,  // expired, or from the future
  revoked,      // the certificate is
  unknown,      // to the responder
};
inline constexpr std::size_t staple_results = 10;
[[nodiscard]] std::string_view name_of(StapleResult result);

struct StapleState {
  std::string file;       // of the certificate
  std::string responder;  // empty: it came from a file
  std::optional<net::WallTime> made = {};
  std::optional<net::WallTime> expires = {};
  std::array<std::uint64_t, staple_results> fetches = {};  // by result
};

// The families `tidegate_ocsp_...`.
void write_staples(Exposition& out, const std::vector<StapleState>& staples, net::WallTime now);

}  // namespace tidegate::gateway
