#include "upstream/discovery/dns/host_memory.hpp"

#include <cassert>

namespace tidegate::upstream::dns {

void HostMemory::take(const Finding& finding, const std::vector<RecordType>& types) {
  assert(finding.answers.size() == types.size());
  if (!finding.has_records()) return;
  const bool same_host = finding.name == name_;
  for (std::size_t index = 0; index < types.size(); ++index) {
    const auto& answer = finding.answers[index];
    auto& family = types[index] == RecordType::a ? ipv4_ : ipv6_;
    const bool failed = answer.kind == AnswerKind::failed || answer.kind == AnswerKind::unanswered;
    if (!failed || !same_host) family = answer.addresses;
  }
  name_ = finding.name;
}

std::vector<std::string> HostMemory::addresses() const {
  auto all = ipv4_;
  all.insert(all.end(), ipv6_.begin(), ipv6_.end());
  return all;
}

bool HostMemory::is_single() const {
  return ipv4_.size() <= 1 && ipv6_.size() <= 1 && !(ipv4_.empty() && ipv6_.empty());
}

}  // namespace tidegate::upstream::dns
