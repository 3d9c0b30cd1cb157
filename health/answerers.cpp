#include "health/answerers.hpp"

#include <algorithm>

namespace tidegate::health {

bool Answerers::are_several(std::string_view name) {
  if (told_ || name.empty() || (!names_.empty() && names_.back() == name)) return false;
  const auto known = std::ranges::find(names_, name);
  told_ = known != names_.end();
  if (told_) {
    std::rotate(known, known + 1, names_.end());
    return true;
  }
  if (names_.size() == most_names) names_.erase(names_.begin());
  names_.emplace_back(name);
  return false;
}

std::string Answerers::names() const {
  if (names_.empty()) return {};
  return names_.size() == 1 ? names_.back() : names_.back() + " and " + names_[names_.size() - 2];
}

}  // namespace tidegate::health
