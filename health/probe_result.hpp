// What one probe found. Plain values, shared by the prober and the pure rules.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/beast/http/fields.hpp>
#include <boost/system/error_code.hpp>

namespace tidegate::health {

enum class ProbeOutcome : std::uint8_t {
  pass,            // connected (TCP, or TLS on it), a status of 200 to 399, or a pong
  not_ready,       // any other status, or a Close: the endpoint itself says that it takes no traffic
  refused,         // nobody listens
  reset,           // connection lost before the answer
  unreachable,     // no route, or the name does not resolve
  timeout,         // no answer in time
  invalid_answer,  // not HTTP, or no TLS that can be trusted
  internal,  // the prober's own trouble (descriptors, local ports, memory): says nothing of the endpoint
};

struct ProbeResult {
  ProbeOutcome outcome = ProbeOutcome::internal;
  int status = 0;           // of the answer; 0 if there was none
  bool untrusted = false;   // its certificate was not accepted
  std::string answered_by;  // the pod, where an HTTP answer names it (X-Pod-Name, X-Served-By, ...)
  std::string evidence;     // for logs: "HTTP 500 in 1.2 ms", "connect: Connection refused"
  std::chrono::steady_clock::duration elapsed{};
};

// What an error of the connection says of the endpoint.
[[nodiscard]] ProbeOutcome outcome_of(const boost::system::error_code& error);
// The pod that has answered, by the fields in which applications, and the proxies beside them, name it; or
// "".
[[nodiscard]] std::string pod_named_by(const boost::beast::http::fields& answer);
// "1.2 ms", or "3 s" where it is even.
[[nodiscard]] std::string text_of(std::chrono::steady_clock::duration elapsed);

[[nodiscard]] constexpr std::string_view name_of(ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::pass: return "pass";
    case ProbeOutcome::not_ready: return "not ready";
    case ProbeOutcome::refused: return "refused";
    case ProbeOutcome::reset: return "reset";
    case ProbeOutcome::unreachable: return "unreachable";
    case ProbeOutcome::timeout: return "timeout";
    case ProbeOutcome::invalid_answer: return "invalid answer";
    case ProbeOutcome::internal: return "internal";
  }
  return "unknown";
}

}  // namespace tidegate::health
