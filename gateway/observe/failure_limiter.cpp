#include "gateway/observe/failure_limiter.hpp"

#include <algorithm>

#include "gateway/observe/escape.hpp"

namespace tidegate::gateway {
namespace {

// Nothing is said of an endpoint where none was to be had.
bool is_of_endpoint(FailureReason reason) {
  return reason >= FailureReason::connection_refused && reason != FailureReason::internal_error;
}

}  // namespace

FailureKind kind_of(const AccessRecord& record) {
  FailureKind kind{record.failure, record.upstream, record.route, record.limit, {}, {}};
  if (record.route.empty()) kind.listener = record.server_address;
  const auto attempts = record.attempts.kept();
  if (is_of_endpoint(record.failure) && !attempts.empty()) kind.endpoint = attempts.back().endpoint;
  return kind;
}

FailureLimiter::Summary::Summary(const FailureKind& kind, std::uint64_t count)
    : reason_(kind.reason), suppressed_(count) {
  append_log_pair(subject_, "listener", kind.listener);
  append_log_pair(subject_, "route", kind.route);
  append_log_pair(subject_, "limit", kind.limit);
  append_log_pair(subject_, "upstream", kind.upstream);
  append_log_pair(subject_, "endpoint", kind.endpoint);
}

FailureLimiter::Entry::Entry(const FailureKind& from, TimePoint now)
    : reason(from.reason),
      upstream(from.upstream),
      route(from.route),
      limit(from.limit),
      listener(from.listener),
      endpoint(from.endpoint),
      began(now) {}

FailureLimiter::Entry* FailureLimiter::find(const FailureKind& kind) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.kind() == kind; });
  return found == entries_.end() ? nullptr : &*found;
}

bool FailureLimiter::admit(const FailureKind& kind, TimePoint now) {
  auto* entry = find(kind);
  if (entry == nullptr && entries_.size() >= most_kinds) {
    const FailureKind any{kind.reason, {}, {}, {}, {}, {}};
    entry = find(any);
    if (entry == nullptr) {
      entries_.emplace_back(any, now);
      return true;
    }
  }
  if (entry == nullptr) {
    entries_.emplace_back(kind, now);
    return true;
  }
  if (entry->admitted < burst) {
    ++entry->admitted;
    return true;
  }
  ++entry->suppressed;
  return false;
}

std::vector<FailureLimiter::Summary> FailureLimiter::expire(TimePoint now) {
  std::vector<Summary> summaries;
  std::erase_if(entries_, [&](const Entry& entry) {
    if (now - entry.began < window) return false;
    if (entry.suppressed > 0) summaries.emplace_back(entry.kind(), entry.suppressed);
    return true;
  });
  return summaries;
}

std::vector<FailureLimiter::Summary> FailureLimiter::finish() {
  return expire(TimePoint::max());
}

}  // namespace tidegate::gateway
