// Which web pages may open WebSockets (RFC 6455 10.2).
#pragma once

#include <string>
#include <string_view>

#include "conf/identity.hpp"
#include "wire/http/head.hpp"

namespace tidegate::gateway {

// Whether a handshake with these fields, for the host `authority` (with its port, as asked for), comes from
// an origin that `policy` allows. More than one Origin, or one that is none, is refused; a handshake without
// one comes from no browser and is let through unless `policy.required`.
[[nodiscard]] bool allows_origin(const conf::OriginPolicy& policy, const http::Fields& fields,
                                 std::string_view authority);

// What is told in the log of a handshake that was refused: which Origin came, cut to a bounded length. Its
// bytes are the client's own: who writes a line escapes them.
[[nodiscard]] std::string origin_story(const http::Fields& fields);

}  // namespace tidegate::gateway
