#include "tests/prove/kube_service.hpp"

#include <fstream>

namespace tidegate::prove {

namespace {

constexpr const char* token = "of-the-run";

test::KubeTls identity(test::Authority& authority) {
  const auto issued = authority.issue();
  return {issued.certificate, issued.key};
}

}  // namespace

KubeService::KubeService(const std::vector<std::uint16_t>& ports) : api_(identity(authority_)) {
  api_.require_token(token);
  for (std::size_t pod = 0; pod < ports.size(); ++pod) {
    auto& slice = slices_.emplace_back();
    slice.name = "soketi-" + std::to_string(pod);
    slice.service = "soketi";
    slice.name_space = "hex";
    slice.ports.push_back({"ws", ports[pod]});
    tell(pod, PodPhase::ready);
  }
}

// A pod that terminates is still `serving` while its own probe passes, which is for some seconds; a new one
// is not ready before its probe has passed (the EndpointSlice controller's rules).
void KubeService::tell(std::size_t pod, PodPhase phase) {
  auto& slice = slices_[pod];
  slice.endpoints.clear();
  if (phase != PodPhase::gone) {
    test::KubeEndpoint endpoint;
    endpoint.address = "127.0.0.1";
    endpoint.ready = phase == PodPhase::ready;
    endpoint.serving = phase != PodPhase::starting;
    endpoint.terminating = phase == PodPhase::terminating;
    slice.endpoints.push_back(std::move(endpoint));
  }
  api_.put_slice(slice);
}

std::string KubeService::write_kubeconfig(const std::string& directory) const {
  auto file = directory + "/kubeconfig";
  std::ofstream(file)
      << "apiVersion: v1\nkind: Config\ncurrent-context: run\n"
         "clusters: [{ name: run, cluster: { server: '"
      << api_.url() << "', certificate-authority: '" << authority_.file()
      << "' } }]\nusers: [{ name: run, user: { token: '" << token
      << "' } }]\ncontexts: [{ name: run, context: { cluster: run, user: run, namespace: hex } }]\n";
  return file;
}

}  // namespace tidegate::prove
