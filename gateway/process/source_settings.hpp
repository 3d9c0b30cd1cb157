// Which sources of discovery an upstream asks for. Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "conf/config.hpp"

namespace tidegate::gateway {

// Endpoints that stand behind a name: of an upstream's `dns`, or one of its `endpoints` that is a name.
struct NameSettings {
  conf::DnsSource dns;
  conf::Resolver resolver;
  int weight = 1;
  std::string name;              // of the endpoint; empty: each is called by its address
  bool virtual_address = false;  // the operator knows that one address stands for many pods
  bool operator==(const NameSettings&) const = default;
};

// Equal ones are one source, over a reload too.
struct SourceSettings {
  std::variant<NameSettings, conf::KubernetesSource, conf::FileSource> what;

  // As it is called in logs and metrics: `dns soketi:6001`, `kubernetes hex/soketi-ws`, `file
  // /etc/pods.yaml`.
  [[nodiscard]] std::string text() const;
  // Addresses of a name are looked for, and there may be none yet.
  [[nodiscard]] bool is_name() const { return std::holds_alternative<NameSettings>(what); }
  bool operator==(const SourceSettings&) const = default;
};

// Empty for an upstream that lists addresses only.
[[nodiscard]] std::vector<SourceSettings> sources_of(const conf::Upstream& upstream,
                                                     const conf::Resolver& resolver);

}  // namespace tidegate::gateway
