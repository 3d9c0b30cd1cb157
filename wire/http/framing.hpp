// How long a message's body is (RFC 9112 6). The single place that decides it, for both directions; strict,
// so that no two parties can read one message differently.
#pragma once

#include <cstdint>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/http/head.hpp"

namespace tidegate::http {

enum class BodyKind : std::uint8_t { none, length, chunked, until_close };

struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;  // for BodyKind::length
  // Upstream's Content-Length is not relayed: it stands beside Transfer-Encoding, or where none may stand.
  bool drop_content_length = false;
  bool reusable = true;  // false: the connection must not be used after this message
};

enum class FramingError {
  both_length_and_encoding,   // request: 400 (6.1)
  bad_content_length,         // 400 / 502: not digits only, empty, overflow
  differing_content_lengths,  // 400 / 502
  bad_transfer_encoding,      // 400: anything but exactly one `chunked`; 501 for a known other coding alone
  unsupported_coding,         // 501
  encoding_in_http_1_0,       // 400 / 502
};

[[nodiscard]] int status_of(FramingError error);
[[nodiscard]] std::string_view describe(FramingError error);

// The framing of a request does not depend on its method. Equal repeated Content-Lengths collapse (6.3).
[[nodiscard]] boost::system::result<Framing, FramingError> request_framing(const RequestHead& head);

// `to_head_request`: the request was HEAD. 1xx, 204 and 304 never have a body either; a length that 1xx or
// 204 states is to be dropped (9110 8.6).
[[nodiscard]] boost::system::result<Framing, FramingError> response_framing(const ResponseHead& head,
                                                                            bool to_head_request);

// Whether the sender of this head keeps the connection open after the message (9112 9.3).
[[nodiscard]] bool wants_keep_alive(Version version, const Fields& fields);

}  // namespace tidegate::http
