#include "health/probe_result.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

namespace tidegate::health {

using namespace std::chrono_literals;

ProbeOutcome outcome_of(const boost::system::error_code& error) {
  if (error.category() != boost::system::system_category())
    return ProbeOutcome::unreachable;  // of the resolver
  switch (error.value()) {
    case ECONNREFUSED:
    case ENOENT:  // no such Unix socket
    case ENOTSOCK:
    case EACCES:
    case EPERM: return ProbeOutcome::refused;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE: return ProbeOutcome::reset;
    case ETIMEDOUT: return ProbeOutcome::timeout;
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case ENOBUFS:
    case ENOMEM: return ProbeOutcome::internal;
    default: return ProbeOutcome::unreachable;
  }
}

std::string text_of(std::chrono::steady_clock::duration elapsed) {
  if (elapsed >= 1s && elapsed % 1s == 0s) return std::to_string(elapsed / 1s) + " s";
  std::array<char, 32> text{};
  const auto milliseconds = std::chrono::duration<double, std::milli>(elapsed).count();
  std::snprintf(text.data(), text.size(), "%.1f ms", milliseconds);
  return text.data();
}

std::string pod_named_by(const boost::beast::http::fields& answer) {
  static constexpr std::array fields{"X-Pod-Name", "X-Pod",         "X-Served-By",
                                     "X-Hostname", "X-Instance-Id", "X-Backend-Server"};
  constexpr std::size_t longest = 128;
  for (const auto* const field : fields) {
    const auto value = answer[field];
    if (!value.empty()) return std::string(value.substr(0, longest));
  }
  return {};
}

}  // namespace tidegate::health
