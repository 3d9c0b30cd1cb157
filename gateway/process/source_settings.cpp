#include "gateway/process/source_settings.hpp"

namespace tidegate::gateway {
namespace {

std::string text_of(const NameSettings& name) {
  const auto& dns = name.dns;
  return dns.srv ? "dns " + dns.name + " (SRV)" : "dns " + dns.name + ":" + std::to_string(dns.port);
}

std::string text_of(const conf::KubernetesSource& kubernetes) {
  const auto service =
      kubernetes.name_space.empty() ? kubernetes.service : kubernetes.name_space + "/" + kubernetes.service;
  return "kubernetes " + service;
}

std::string text_of(const conf::FileSource& file) {
  return "file " + file.path;
}

}  // namespace

std::string SourceSettings::text() const {
  return std::visit([](const auto& kind) { return text_of(kind); }, what);
}

std::vector<SourceSettings> sources_of(const conf::Upstream& upstream, const conf::Resolver& resolver) {
  std::vector<SourceSettings> sources;
  for (const auto& endpoint : upstream.endpoints) {
    const auto& address = endpoint.address;
    if (!address.is_name()) continue;
    NameSettings name;
    name.dns = {address.host, address.port, false};
    name.resolver = resolver;
    name.weight = endpoint.weight;
    if (endpoint.name != address.text()) name.name = endpoint.name;
    name.virtual_address = upstream.virtual_address;
    sources.push_back({std::move(name)});
  }
  if (const auto* dns = std::get_if<conf::DnsSource>(&upstream.discovery))
    sources.push_back({NameSettings{*dns, resolver, 1, {}, upstream.virtual_address}});
  if (const auto* kubernetes = std::get_if<conf::KubernetesSource>(&upstream.discovery))
    sources.push_back({*kubernetes});
  if (const auto* file = std::get_if<conf::FileSource>(&upstream.discovery)) sources.push_back({*file});
  return sources;
}

}  // namespace tidegate::gateway
