// `Authorization: Basic` (RFC 7617).
#pragma once

#include <optional>
#include <string>

#include "wire/http/head.hpp"

namespace tidegate::gateway {

struct BasicCredentials {
  std::string user;
  std::string password;
};

// nullopt if the request has none, more than one Authorization, another scheme, or what is not exactly
// base64 (RFC 4648 4, with its padding) of `user:password` without control characters.
[[nodiscard]] std::optional<BasicCredentials> read_basic_credentials(const http::Fields& fields);

// `Basic realm="..."`: what a client is asked by.
[[nodiscard]] std::string basic_challenge(const std::string& realm);

}  // namespace tidegate::gateway
