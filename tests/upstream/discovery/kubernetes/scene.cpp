#include "tests/upstream/discovery/kubernetes/scene.hpp"

#include <algorithm>
#include <fstream>

#include "tests/support/catch.hpp"

namespace tidegate::upstream {

using namespace std::chrono_literals;

test::KubeSlice slice(const std::string& name, std::vector<test::KubeEndpoint> endpoints) {
  return {name, "soketi", {{"ws", 6001}}, std::move(endpoints), "hex"};
}

void Scene::write(const std::string& name, const std::string& text) const {
  // By renaming, so that nobody reads half of it.
  const auto file = folder.file(name);
  std::ofstream(file + ".new", std::ios::binary) << text;
  std::filesystem::rename(file + ".new", file);
}

void Scene::use_kubeconfig(const std::string& cluster, const std::string& user) {
  write("config",
        "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
        "clusters: [{name: c, cluster: {server: '" +
            api.url() + "'" + cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n");
  source.kubeconfig = folder.file("config");
}

void Scene::start() {
  const auto behind = [this](auto&& call) {
    call();
    if (hook) hook();
  };
  SourceEvents events;
  events.update = [this, behind](const DiscoveryUpdate& update) { behind([&] { hear(update); }); };
  events.confirm = [this, behind] { behind([&] { ++confirmed; }); };
  events.fail = [this, behind](const std::string& why) { behind([&] { failures.push_back(why); }); };
  events.warn = [this, behind](const std::string& sentence) {
    behind([&] { warnings.push_back(sentence); });
  };
  endpoints = std::make_unique<KubernetesEndpoints>(context, source, std::move(events), options);
}

void Scene::hear(const DiscoveryUpdate& update) {
  ++updates;
  if (const auto* const reset = std::get_if<Reset>(&update)) {
    ++resets;
    told.clear();
    for (const auto& endpoint : reset->endpoints) told[endpoint.address.text()] = endpoint;
  } else if (const auto* const upsert = std::get_if<Upsert>(&update)) {
    for (const auto& endpoint : upsert->endpoints) told[endpoint.address.text()] = endpoint;
    changed += static_cast<int>(upsert->endpoints.size());
  } else {
    const auto& remove = std::get<Remove>(update);
    for (const auto& address : remove.addresses) CHECK(told.erase(address.text()) == 1);
    changed += static_cast<int>(remove.addresses.size());
    cause = remove.cause;
  }
}

std::string Scene::known() const {
  std::string text;
  for (const auto& [address, endpoint] : told) {
    text += (text.empty() ? "" : " ") + address;
    if (endpoint.offer == Offer::leaving) text += '!';
    if (endpoint.offer == Offer::not_serving) text += '?';
  }
  return text;
}

void Scene::run_until(const std::string& what, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    INFO("waited in vain: " << what << "; known: " << known()
                            << "; last failure: " << (failures.empty() ? "none" : failures.back()));
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    context.restart();
    context.run_one_for(5ms);
  }
}

void Scene::wait_for(const std::string& endpoints_text) {
  run_until(endpoints_text, [&] { return updates > 0 && known() == endpoints_text; });
}

void Scene::wait_for_failure(const std::string& part) {
  run_until(part, [&] {
    return std::any_of(failures.begin(), failures.end(),
                       [&](const auto& why) { return why.find(part) != std::string::npos; });
  });
}

void Scene::wait_for_watch() {
  run_until("a watch", [&] { return api.counts().open_watches > 0; });
}

}  // namespace tidegate::upstream
