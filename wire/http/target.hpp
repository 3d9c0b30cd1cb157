// The request target (RFC 9112 3.2) and the Host rules that hang on it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "wire/http/head.hpp"

namespace tidegate::http {

enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

struct Target {
  TargetForm form = TargetForm::origin;
  std::string_view scheme{};     // absolute-form only
  std::string_view authority{};  // absolute- and authority-form; wins over Host (3.2.2)
  std::string_view path{};   // raw, always starts with '/' except `*`; "/" for an absolute-form without path
  std::string_view query{};  // raw, without '?'
  bool has_query = false;
};

enum class TargetError {
  bad_form,              // 400: none of the four forms, or a fragment
  connect_refused,       // 405: CONNECT is not offered
  asterisk_not_options,  // 400
  bad_authority,         // 400: userinfo, bad host or port
  bad_path,              // 400: control bytes, bad percent-encoding, or a NUL after decoding
};
[[nodiscard]] int status_of(TargetError error);
[[nodiscard]] std::string_view describe(TargetError error);

[[nodiscard]] boost::system::result<Target, TargetError> parse_target(std::string_view method,
                                                                      std::string_view target);

// uri-host [ ":" port ] without userinfo (RFC 3986 3.2.2).
[[nodiscard]] bool is_valid_authority(std::string_view authority);
// Splits "host:port" / "[v6]:port"; the host keeps no brackets. Port 0 when absent.
struct HostPort {
  std::string_view host{};
  std::uint16_t port = 0;
};
[[nodiscard]] HostPort split_authority(std::string_view authority);
// The form in which hosts are compared: lower case, without the dot of the root; an IPv6 address (without
// brackets in `host`) in the one spelling that inet_ntop(3) gives it (RFC 5952), in brackets. What looks like
// an IPv4 address stays the text it is. `out` is reused.
void normalise_host(std::string_view host, std::string& out);

// The form used for matching, as nginx's: percent-decoded once, `%2F` too, empty segments left out (`//a` is
// `/a`), dot segments removed. False for what servers read in different ways, so that a rule for one path
// cannot be passed by another spelling of it: `..` above the root or behind an empty segment, dot segments
// beside an encoded slash or a backslash, and what decodes to NUL. `out` is reused.
[[nodiscard]] bool normalise_path(std::string_view raw_path, std::string& out);

}  // namespace tidegate::http
