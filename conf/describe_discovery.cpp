// Where an upstream's endpoints come from, when they are not listed, and how names are resolved.
#include <array>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view dns_form =
    "a name with its port such as `soketi-headless.hex.svc.cluster.local:6001`";

std::string take_number(const Scalar& scalar, std::uint16_t& port) {
  const auto number = parse_integer(scalar.text);
  if (!number || *number < 1 || *number > 65'535)
    return "a port is a number from 1 to 65535, found " + quote(scalar.text);
  port = static_cast<std::uint16_t>(*number);
  return {};
}

// The trailing dot of an absolute name stays: it says that no search domain is tried.
std::string take_name(const Scalar& scalar, std::string& name) {
  auto text = std::string_view(scalar.text);
  if (text.ends_with('.')) text.remove_suffix(1);
  if (!is_dns_name(text)) return quote(scalar.text) + " is not a host name";
  name = scalar.text;
  return {};
}

// === dns ===

std::string take_name_and_port(DnsSource& dns, const Scalar& scalar) {
  const auto colon = scalar.text.rfind(':');
  if (colon == std::string_view::npos)
    return "a name needs its port: write " + quote(std::string(scalar.text) + ":6001") +
           " with the right number, or `{ srv: ... }`";
  auto fault = take_number({scalar.text.substr(colon + 1), scalar.place}, dns.port);
  if (fault.empty()) fault = take_name({scalar.text.substr(0, colon), scalar.place}, dns.name);
  return fault;
}

void describe_dns(Fields& fields, DnsSource& dns) {
  static constexpr std::array<std::string_view, 2> kinds{"name", "srv"};
  const auto take = [&dns](const Scalar& scalar) { return take_name(scalar, dns.name); };
  fields.text({"name", "Each of its addresses is an endpoint, IPv4 and IPv6."}, "", take, "a host name");
  fields.text({"srv", "Name of SRV records, which bring port, weight and priority."}, "", take,
              "a name such as `_ws._tcp.soketi.hex.svc.cluster.local`");
  fields.require_one(kinds);
  dns.srv = fields.has("srv");
  Shapes port;
  port.form = "a port number";
  port.take_text = [&dns](const Scalar& scalar) { return take_number(scalar, dns.port); };
  fields.shaped({"port", "Port of every address of `name`."}, port, "");
  fields.only_with("port", "name");
  if (fields.has("name")) fields.require("port");
}

Shapes dns_shapes(Upstream& upstream) {
  Shapes shapes;
  shapes.form = dns_form;
  shapes.take_text = [&upstream](const Scalar& scalar) {
    DnsSource dns;
    auto fault = take_name_and_port(dns, scalar);
    if (fault.empty()) upstream.discovery = std::move(dns);
    return fault;
  };
  shapes.take_object = [&upstream](Fields& inner) {
    DnsSource dns;
    describe_dns(inner, dns);
    upstream.discovery = std::move(dns);
  };
  return shapes;
}

// === kubernetes ===

void describe_kubernetes(Fields& fields, KubernetesSource& kubernetes) {
  const auto into = [](std::string& value) {
    return [&value](const Scalar& scalar) -> std::string {
      if (!is_dns_name(scalar.text)) return quote(scalar.text) + " is not a name that Kubernetes gives";
      value = scalar.text;
      return {};
    };
  };
  fields.text({"namespace", "Of the Service; default: the one of the service account or of the context."}, "",
              into(kubernetes.name_space), "a namespace");
  fields.text({"service", "The Service whose EndpointSlices are followed."}, "", into(kubernetes.service),
              "the name of a Service");
  fields.require("service");
  Shapes port;
  port.form = "the name or number of a port";
  port.take_text = [&kubernetes](const Scalar& scalar) -> std::string {
    if (parse_integer(scalar.text)) return take_number(scalar, kubernetes.port);
    kubernetes.port_name = scalar.text;
    return {};
  };
  fields.shaped({"port",
                 "The Service's `ports[].name`, or the number that the pods listen on (its `targetPort`); "
                 "default: the only one."},
                port, "");
  fields.text(
      {"kubeconfig",
       "File whose current context says where the API server is; default: the pod's service account."},
      kubernetes.kubeconfig, "a file");
  fields.text({"zone", "Endpoints of this zone are picked as long as one of them is ready."}, kubernetes.zone,
              "a zone such as `europe-west1-b`");
}

// === resolver ===

Shapes server_shapes(Resolver& resolver) {
  Shapes shapes;
  shapes.form = "an IP address such as `10.96.0.10` or `10.96.0.10:53`";
  shapes.take_text = [&resolver](const Scalar& scalar) -> std::string {
    auto server = parse_name_server(scalar.text);
    if (!server) return server.error().why;
    resolver.servers.push_back(std::move(*server));
    return {};
  };
  return shapes;
}

Shapes domain_shapes(std::vector<std::string>& domains) {
  Shapes shapes;
  shapes.form = "a domain such as `svc.cluster.local`";
  shapes.take_text = [&domains](const Scalar& scalar) { return take_name(scalar, domains.emplace_back()); };
  return shapes;
}

void describe_resolver_members(Fields& fields, Resolver& resolver) {
  fields.list({"servers", "Name servers, asked in turn; default: those of /etc/resolv.conf."},
              [&resolver] { return server_shapes(resolver); });
  std::vector<std::string> search;
  fields.list({"search", "Domains that complete a name; default: those of /etc/resolv.conf."},
              [&search] { return domain_shapes(search); });
  if (fields.has("search")) resolver.search = std::move(search);
  int ndots = 1;
  fields.integer({"ndots",
                  "A name with so many dots is asked for as it is before it is completed; default: as in "
                  "/etc/resolv.conf."},
                 ndots, {0, 15});
  if (fields.has("ndots")) resolver.ndots = ndots;
  fields.duration({"timeout", "For the answer of one server."}, resolver.timeout,
                  {Duration(10), std::chrono::minutes(1)});
  fields.integer({"tries", "Of each server."}, resolver.tries, {1, 10});
  fields.duration({"minTtl", "An answer is taken to be true for at least so long."}, resolver.min_ttl,
                  {Duration(100), std::chrono::hours(1)});
  fields.duration({"maxTtl", "And at most for so long."}, resolver.max_ttl,
                  {Duration(100), std::chrono::hours(24 * 7)});
  static constexpr std::array<std::string_view, 3> families{"any", "ipv4", "ipv6"};
  fields.choice({"family", "Which addresses are asked for."}, resolver.family, families);
}

}  // namespace

void describe_discovery(Fields& fields, Upstream& upstream) {
  static constexpr std::array<std::string_view, 4> sources{"endpoints", "dns", "kubernetes", "file"};
  fields.shaped(
      {"dns", "The endpoints are the addresses of a name, or the targets of SRV records, as they change."},
      dns_shapes(upstream), "");
  fields.object(
      {"kubernetes", "The endpoints are the pods of a Service, told by the API server as they change."},
      [&upstream](Fields& inner) {
        KubernetesSource kubernetes;
        describe_kubernetes(inner, kubernetes);
        upstream.discovery = std::move(kubernetes);
      });
  const auto take_file = [&upstream](const Scalar& scalar) -> std::string {
    if (scalar.text.empty()) return "write the name of a file";
    upstream.discovery = FileSource{std::string(scalar.text)};
    return {};
  };
  fields.text({"file",
               "The endpoints stand in this file, a YAML or JSON list as under `endpoints` or a map with it, "
               "and are read anew when it changes."},
              "", take_file, "a file");
  fields.require_one(sources);
  // One with a fault is there all the same: that there are no `endpoints` is no second one.
  const bool written = fields.has("dns") || fields.has("kubernetes") || fields.has("file");
  if (written && std::holds_alternative<std::monostate>(upstream.discovery)) upstream.discovery = DnsSource{};
  fields.duration({"keepEndpoints",
                   "How long what is known of names, Kubernetes or a file stays in force while it cannot be "
                   "renewed; then nothing new goes there. 0: for ever."},
                  upstream.keep_endpoints, {Duration::zero(), DurationRange{}.most});
}

void describe_resolver(Fields& fields, Resolver& resolver) {
  fields.object({"resolver", "How names are resolved, for all upstreams."},
                [&resolver](Fields& inner) { describe_resolver_members(inner, resolver); });
}

}  // namespace tidegate::conf
