// A source beside an API server, and what it has told: as the registry would know it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/support/kube_api.hpp"
#include "tests/support/temporary_folder.hpp"
#include "upstream/discovery/kubernetes/kubernetes_endpoints.hpp"

namespace tidegate::upstream {

struct Scene {
  explicit Scene(const test::KubeTls& tls = {}) : api(tls) { use_kubeconfig(); }

  // A kubeconfig for the server, whose user is as written.
  void use_kubeconfig(const std::string& cluster = {}, const std::string& user = {});
  void write(const std::string& name, const std::string& text) const;
  void start();
  // Runs the source until the condition holds; fails after ten seconds.
  void run_until(const std::string& what, const std::function<bool()>& condition);
  // What was told, as `10.0.0.1:6001 10.0.0.2:6001!`: `!` is leaving, `?` not serving.
  void wait_for(const std::string& endpoints);
  void wait_for_failure(const std::string& part);
  void wait_for_watch();
  [[nodiscard]] std::string known() const;

  boost::asio::io_context context;
  test::TemporaryFolder folder;
  test::KubeApi api;
  conf::KubernetesSource source{"hex", "soketi", {}, 0, {}, {}};
  KubernetesOptions options;
  std::unique_ptr<KubernetesEndpoints> endpoints;

  std::map<std::string, DiscoveredEndpoint> told;
  int resets = 0;
  int updates = 0;
  int changed = 0;  // endpoints of Upserts and Removes
  int confirmed = 0;
  std::string cause;  // of the last who left
  std::vector<std::string> failures;
  std::vector<std::string> warnings;
  std::function<void()> hook;  // called behind everything that is told

 private:
  void hear(const DiscoveryUpdate& update);
};

// A slice of soketi in the namespace hex, with a port `ws`.
[[nodiscard]] test::KubeSlice slice(const std::string& name, std::vector<test::KubeEndpoint> endpoints);

}  // namespace tidegate::upstream
