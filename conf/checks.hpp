// The parts of `validate`: each looks at one section and adds what it finds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/config_error.hpp"

namespace tidegate::conf {

// The faults found under one item of the configuration.
class Findings {
 public:
  Findings(ConfigErrors& errors, Place place, std::string path)
      : errors_(errors), place_(std::move(place)), path_(std::move(path)) {}

  // `field` is relative to the item, `timeouts.connect` or empty for the item itself.
  void add(std::string_view field, std::string message);
  // A Duration that has to be a bound.
  void check_positive(std::string_view field, Duration value);
  // The same below `field`.
  [[nodiscard]] Findings below(std::string_view field) const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  ConfigErrors& errors_;
  Place place_;
  std::string path_;
};

// Values the kernel takes.
void check_keepalive(const TcpKeepalive& keepalive, Findings findings);
void check_listeners(const Config& config, ConfigErrors& errors);
void check_routes(const Config& config, ConfigErrors& errors);
void check_upstreams(const Config& config, ConfigErrors& errors);
// Weights, and that no address and no name stands twice. `path` is that of the list's owner; empty for a file
// of endpoints.
void check_endpoints(const std::vector<Endpoint>& endpoints, ConfigErrors& errors, const std::string& path);
void check_process(const Config& config, ConfigErrors& errors);
// `limits` of the whole, and where listeners and routes name them.
void check_limits(const Config& config, ConfigErrors& errors);
void check_source_addresses(const Upstream& upstream, Findings findings);
void check_probes(const Upstream& upstream, Findings& findings);

void check_server_tls(const ServerTls& tls, Findings findings);

// === who clients are (validate_identity.cpp) ===

void check_proxy_protocol(const ProxyProtocolIn& proxy_protocol, Findings findings);
void check_access(const AccessRules& rules, Findings findings);
void check_origins(const OriginPolicy& origins, Findings findings);
void check_basic_auth(const BasicAuth& basic_auth, Findings findings);

// === header fields and templates (validate_headers.cpp) ===

// RFC 9110 5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
// RFC 9110 5.5: no control characters besides the tab.
[[nodiscard]] bool is_field_value(std::string_view text);
// A sentence if `text` does not compile or can break out of a header field.
[[nodiscard]] std::optional<std::string> template_fault(std::string_view text);
enum class HeaderSide { request, response };
void check_header_rules(const std::vector<HeaderRule>& rules, HeaderSide side, Findings findings);

}  // namespace tidegate::conf
