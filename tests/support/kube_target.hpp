// What the target of a request asks an API server for.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/kube_store.hpp"

namespace tidegate::test {

struct KubeTarget {
  std::optional<KubeSelection> selection;  // nothing: not for endpointslices of a namespace and a Service
  std::map<std::string, std::string> query;

  // Empty where it is not there.
  [[nodiscard]] std::string get(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }
};

[[nodiscard]] KubeTarget read_kube_target(std::string_view target);

}  // namespace tidegate::test
