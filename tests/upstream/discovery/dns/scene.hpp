// A source and what it tells.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/support/patience.hpp"
#include "tests/upstream/discovery/dns/name_server.hpp"
#include "upstream/discovery/dns/dns_source.hpp"

namespace tidegate::test {

using upstream::DiscoveredEndpoint;
using namespace std::chrono_literals;

// A source for one name, by a resolver that asks the given servers. The events are heard while it runs.
struct Scene {
  boost::asio::io_context context;
  conf::Resolver settings;
  upstream::dns::Resolver::Options options;
  std::shared_ptr<upstream::dns::Resolver> resolver;
  std::unique_ptr<upstream::Source> source;

  std::vector<upstream::Reset> resets;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
  int confirmations = 0;

  explicit Scene(std::vector<std::string> servers = {}) {
    settings.servers = std::move(servers);
    settings.search = std::vector<std::string>();
    settings.timeout = 200ms;
    options.resolv_conf = "/dev/null";  // nothing of this machine
  }

  [[nodiscard]] upstream::SourceEvents events() {
    return {[this](upstream::DiscoveryUpdate update) {
              resets.push_back(std::get<upstream::Reset>(std::move(update)));
            },
            [this] { ++confirmations; }, [this](std::string why) { faults.push_back(std::move(why)); },
            [this](std::string sentence) { warnings.push_back(std::move(sentence)); }};
  }
  void follow(upstream::dns::Target target) {
    if (!resolver) resolver = std::make_shared<upstream::dns::Resolver>(context, settings, options);
    source = upstream::dns::make_dns_source(resolver, std::move(target), events());
  }
  void follow(const std::string& name, bool srv = false) {
    follow(upstream::dns::Target{{name, static_cast<std::uint16_t>(srv ? 0 : 80), srv}, 1, {}, false});
  }

  [[nodiscard]] bool until(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      context.restart();
      context.run_one_for(20ms);
    }
    return true;
  }
  [[nodiscard]] bool until_resets(std::size_t count) {
    return until([&] { return resets.size() >= count; });
  }
  [[nodiscard]] bool until_fault(const std::string& words) {
    const auto heard = faults.size();
    return until([&] {
      for (std::size_t index = heard; index < faults.size(); ++index) {
        if (faults[index].find(words) != std::string::npos) return true;
      }
      return false;
    });
  }
  // There is one, or comes.
  [[nodiscard]] bool until_warning(const std::string& words) {
    return until([&] {
      return std::ranges::any_of(
          warnings, [&](const std::string& sentence) { return sentence.find(words) != std::string::npos; });
    });
  }
  [[nodiscard]] bool until_confirmed(int more = 1) {
    const int wanted = confirmations + more;
    return until([&] { return confirmations >= wanted; });
  }
  // The addresses of the last Reset: `10.0.0.1:80 10.0.0.2:80`.
  [[nodiscard]] std::string known() const {
    std::string text;
    if (resets.empty()) return text;
    for (const auto& endpoint : resets.back().endpoints) {
      text += (text.empty() ? "" : " ") + endpoint.address.text();
    }
    return text;
  }
};

}  // namespace tidegate::test
