#include "gateway/process/access_list.hpp"

namespace tidegate::gateway {

AccessList::AccessList(const conf::AccessRules& rules) {
  for (const auto& rule : rules) {
    if (rule.network == "all") {
      rules_.push_back({rule.allow, true, {}});
    } else if (const auto network = Network::from_text(rule.network)) {
      rules_.push_back({rule.allow, false, *network});
    }
  }
}

bool AccessList::allows(std::string_view address) const {
  if (rules_.empty()) return true;
  const auto peer = PeerAddress::from_text(address);
  for (const auto& rule : rules_) {
    if (rule.all || (peer && rule.network.contains(*peer))) return rule.allow;
  }
  return true;
}

}  // namespace tidegate::gateway
