#include "health/accusers.hpp"

namespace tidegate::health {

bool Accusers::believe(std::uint64_t client, TimePoint now) {
  const auto known = believed_.find(client);
  if (known != believed_.end()) {
    if (now - known->second < pause) return false;
    known->second = now;
    return true;
  }
  if (believed_.size() >= most) return false;
  believed_.emplace(client, now);
  return true;
}

void Accusers::forget(TimePoint now) {
  std::erase_if(believed_, [now](const auto& entry) { return now - entry.second >= pause; });
}

}  // namespace tidegate::health
