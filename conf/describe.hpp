// The YAML spelling of the configuration: which keys each object has, what they mean and which values they
// take. The whole document is described by `describe`; the other functions are its sections.
//
// Conventions: keys are camelCase; durations are `10s`, sizes `64k`, both with units; a part that can be
// switched off is `off` or a map; a list item or value with one telling field can be written as that field
// alone (`- 0.0.0.0:80` for
// `- address: 0.0.0.0:80`).
#pragma once

#include "conf/config.hpp"
#include "conf/fields.hpp"

namespace tidegate::conf {

// `config` holds the defaults and receives what is written.
void describe(Fields& fields, Config& config);

void describe_listeners(Fields& fields, Config& config);
void describe_routes(Fields& fields, Config& config);
void describe_upstreams(Fields& fields, Config& config);
void describe_process(Fields& fields, Config& config);

void describe_limits(Fields& fields, Config& config);

// `limits` of a listener or a route: names of what stands under the `limits` of the whole.
void describe_limit_names(Fields& fields, std::vector<std::string>& names);

// `readinessProbe`, `newSocketProbe` and `webSocketProbe` of an upstream.
void describe_probes(Fields& fields, Upstream& upstream);

// `endpoints` of an upstream, or of a file that lists them.
void describe_endpoints(Fields& fields, std::vector<Endpoint>& endpoints);
// `dns`, `kubernetes`, `file` and `keepEndpoints` of an upstream, and `resolver` (describe_discovery.cpp).
void describe_discovery(Fields& fields, Upstream& upstream);
void describe_resolver(Fields& fields, Resolver& resolver);

// `tcpKeepalive` of a listener or an upstream.
void describe_keepalive(Fields& fields, TcpKeepalive& keepalive);
// `tls` of a listener and of an upstream. A listener may have `redirect` alone.
void describe_server_tls(Fields& fields, Listener& listener);
void describe_upstream_tls(Fields& fields, UpstreamTls& tls);

// `proxyProtocol` and `access` of a listener, and what routes ask of clients (describe_identity.cpp).
void describe_networks(Fields& fields, const Key& key, std::vector<std::string>& networks);
void describe_proxy_protocol(Fields& fields, std::optional<ProxyProtocolIn>& proxy_protocol);
void describe_access(Fields& fields, AccessRules& rules);
void describe_origins(Fields& fields, std::optional<OriginPolicy>& origins);
// Before the keys whose defaults it changes.
void describe_preset(Fields& fields, WebSocketPolicy& policy);
void describe_websocket(Fields& fields, WebSocketPolicy& policy);
// `drain` and `closes` of an upstream.
void describe_drain(Fields& fields, DrainPolicy& drain);
void describe_closes(Fields& fields, CloseWordsByCause& closes);
void describe_basic_auth(Fields& fields, std::optional<BasicAuth>& basic_auth);

// A part that `off` switches off and a map (or `on`) configures.
void describe_switch(Fields& fields, const Key& key, bool& enabled,
                     const std::function<void(Fields&)>& members);

}  // namespace tidegate::conf
