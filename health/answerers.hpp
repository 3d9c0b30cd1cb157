// Who answers the probes of one address: one pod, or several behind an address that they share, as that of a
// Kubernetes Service is (a ClusterIP). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidegate::health {

// Takes the names that pods give themselves in their answers. A pod that starts anew, or another one in its
// place, has another name, but only where several share the address does a name come back after another.
class Answerers {
 public:
  // True once, when it has become known that there are several. An answer without a name says nothing.
  [[nodiscard]] bool are_several(std::string_view name);
  // "ws-1 and ws-2": the last answer's, and the one's before it.
  [[nodiscard]] std::string names() const;

 private:
  static constexpr std::size_t most_names = 8;  // more pods than that come back all the same

  std::vector<std::string> names_;  // the last one to answer is the last
  bool told_ = false;
};

}  // namespace tidegate::health
