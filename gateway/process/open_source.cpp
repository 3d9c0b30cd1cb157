#include "gateway/process/open_source.hpp"

#include <random>
#include <utility>
#include <vector>

#include "upstream/discovery/dns/dns_source.hpp"
#include "upstream/discovery/file_source.hpp"
#include "upstream/discovery/kubernetes/kubernetes_endpoints.hpp"

namespace tidegate::gateway {

namespace dns = upstream::dns;

// What sources have in common. Each kind is opened by the function of its settings.
struct SourceOpener::Shared {
  explicit Shared(boost::asio::io_context& io) : context(io) {}

  std::unique_ptr<upstream::Source> open(const NameSettings& name, upstream::SourceEvents events) {
    return dns::make_dns_source(resolver_for(name.resolver),
                                {name.dns, name.weight, name.name, name.virtual_address}, std::move(events));
  }
  std::unique_ptr<upstream::Source> open(const conf::FileSource& file, upstream::SourceEvents events) {
    return std::make_unique<upstream::FileSource>(context, file, std::move(events));
  }

  std::unique_ptr<upstream::Source> open(const conf::KubernetesSource& kubernetes,
                                         upstream::SourceEvents events) {
    upstream::KubernetesOptions options;
    options.seed = std::random_device{}();
    return std::make_unique<upstream::KubernetesEndpoints>(context, kubernetes, std::move(events), options);
  }

  // One for all sources with the same settings; it goes with the last of them.
  std::shared_ptr<dns::Resolver> resolver_for(const conf::Resolver& settings) {
    std::erase_if(resolvers, [](const auto& entry) { return entry.second.expired(); });
    for (const auto& [known, resolver] : resolvers)
      if (known == settings) return resolver.lock();
    dns::Resolver::Options options;
    options.seed = std::random_device{}();
    auto made = std::make_shared<dns::Resolver>(context, settings, options);
    resolvers.emplace_back(settings, made);
    return made;
  }

  boost::asio::io_context& context;
  std::vector<std::pair<conf::Resolver, std::weak_ptr<dns::Resolver>>> resolvers;
};

SourceOpener::SourceOpener(boost::asio::io_context& context) : shared_(std::make_shared<Shared>(context)) {}

std::unique_ptr<upstream::Source> SourceOpener::operator()(const SourceSettings& settings,
                                                           upstream::SourceEvents events) const {
  return std::visit([&](const auto& kind) { return shared_->open(kind, std::move(events)); }, settings.what);
}

}  // namespace tidegate::gateway
