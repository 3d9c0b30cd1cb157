#include "gateway/observe/staple_state.hpp"

#include "gateway/observe/exposition.hpp"

namespace tidegate::gateway {

std::string_view name_of(StapleResult result) {
  switch (result) {
    case StapleResult::good: return "good";
    case StapleResult::unreachable: return "unreachable";
    case StapleResult::timeout: return "timeout";
    case StapleResult::http: return "http";
    case StapleResult::malformed: return "malformed";
    case StapleResult::refused: return "refused";
    case StapleResult::unverified: return "unverified";
    case StapleResult::not_current: return "not_current";
    case StapleResult::revoked: return "revoked";
    case StapleResult::unknown: return "unknown";
  }
  return "";
}

void write_staples(Exposition& out, const std::vector<StapleState>& staples, net::WallTime now) {
  out.family("tidegate_ocsp_staple_expiry_timestamp_seconds", "gauge",
             "When the OCSP response of a certificate ends, as Unix time; 0: there is none.");
  for (const auto& staple : staples)
    out.sample({{"file", staple.file}, {"responder", staple.responder}},
               staple.expires ? std::chrono::system_clock::to_time_t(*staple.expires) : 0);
  out.family("tidegate_ocsp_staple_age_seconds", "gauge",
             "Time since the OCSP response of a certificate was true.");
  for (const auto& staple : staples) {
    if (!staple.made) continue;
    out.sample({{"file", staple.file}, {"responder", staple.responder}},
               std::chrono::floor<std::chrono::seconds>(now - *staple.made).count());
  }
  out.family("tidegate_ocsp_fetches_total", "counter", "OCSP responses asked for, by what came of it.");
  for (const auto& staple : staples) {
    if (staple.responder.empty()) continue;
    for (std::size_t i = 0; i < staple_results; ++i)
      out.sample({{"file", staple.file},
                  {"responder", staple.responder},
                  {"result", name_of(static_cast<StapleResult>(i))}},
                 staple.fetches[i]);
  }
}

}  // namespace tidegate::gateway
