// Which clients are let in, by their address.
#pragma once

#include <string_view>
#include <vector>

#include "conf/identity.hpp"
#include "gateway/process/networks.hpp"

namespace tidegate::gateway {

class AccessList {
 public:
  AccessList() = default;
  // Rules that validation has accepted.
  explicit AccessList(const conf::AccessRules& rules);

  [[nodiscard]] bool empty() const { return rules_.empty(); }
  // The first rule that has `address` (an IP literal or `unix:`) decides; where none has it, it is let in.
  [[nodiscard]] bool allows(std::string_view address) const;

 private:
  struct Rule {
    bool allow;
    bool all;
    Network network;
  };
  std::vector<Rule> rules_;
};

}  // namespace tidegate::gateway
