// A listener's limits as the parser of heads takes them.
#pragma once

#include "conf/config.hpp"
#include "wire/http/head_parser.hpp"

namespace tidegate::gateway {

[[nodiscard]] inline http::Underscores underscores_of(conf::UnderscoresInHeaders choice) {
  switch (choice) {
    case conf::UnderscoresInHeaders::pass: return http::Underscores::pass;
    case conf::UnderscoresInHeaders::refuse: return http::Underscores::refuse;
    case conf::UnderscoresInHeaders::drop: break;
  }
  return http::Underscores::drop;
}

[[nodiscard]] inline http::HeadLimits head_limits(const conf::Listener& listener) {
  return {listener.limits.head_bytes, listener.limits.target_bytes, listener.limits.fields,
          listener.bare_line_feed == conf::BareLineFeed::accept,
          underscores_of(listener.underscores_in_headers)};
}

}  // namespace tidegate::gateway
