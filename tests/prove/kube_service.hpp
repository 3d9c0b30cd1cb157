// The pods of a run as Kubernetes tells of them: an API server with an EndpointSlice for each, which says
// what the pod's life has come to in the moment when it does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/prove/pods.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/kube_api.hpp"

namespace tidegate::prove {

class KubeService {
 public:
  // All are ready at first.
  explicit KubeService(const std::vector<std::uint16_t>& ports);

  void tell(std::size_t pod, PodPhase phase);
  // Writes a kubeconfig that leads there, by TLS and a token, and returns its name.
  [[nodiscard]] std::string write_kubeconfig(const std::string& directory) const;
  [[nodiscard]] test::KubeCounts counts() const { return api_.counts(); }

 private:
  test::Authority authority_;
  test::KubeApi api_;
  std::vector<test::KubeSlice> slices_;
};

}  // namespace tidegate::prove
