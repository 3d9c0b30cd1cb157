#include <array>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view peers_form = "a network such as `10.0.0.0/8`, or `unix:`";

TakeText into_networks(std::vector<std::string>& networks) {
  return [&networks](const Scalar& scalar) -> std::string {
    auto network = parse_peers(scalar.text);
    if (!network) return network.error().why;
    networks.push_back(std::move(*network));
    return {};
  };
}

TakeText into_rules(AccessRules& rules, bool allow) {
  return [&rules, allow](const Scalar& scalar) -> std::string {
    if (scalar.text == "all") {
      rules.push_back({allow, "all"});
      return {};
    }
    auto network = parse_peers(scalar.text);
    if (!network) return network.error().why;
    rules.push_back({allow, std::move(*network)});
    return {};
  };
}

void describe_access_rule(Fields& fields, AccessRules& rules) {
  static constexpr std::array<std::string_view, 2> kinds{"allow", "deny"};
  for (const bool allow : {true, false}) {
    Shapes shapes;
    shapes.form = "a network such as `10.0.0.0/8`, `unix:` or `all`";
    shapes.take_text = into_rules(rules, allow);
    shapes.take_item = shapes.take_text;
    fields.shaped({allow ? "allow" : "deny",
                   allow ? "Clients of these networks are let in."
                         : "Clients of these networks get a 403; on a listener they are closed at once."},
                  shapes, "");
  }
  fields.require_one(kinds);
}

void describe_allowed_origins(Fields& fields, OriginPolicy& origins) {
  fields.list({"allow", "Origins such as `https://app.example.com`, `*.example.com`, `self` or `null`."},
              [&origins] {
                Shapes shapes;
                shapes.form = "an origin such as `https://app.example.com`";
                shapes.take_text = [&origins](const Scalar& scalar) {
                  origins.allowed.emplace_back(scalar.text);
                  return std::string();
                };
                return shapes;
              });
  fields.require("allow");
  fields.flag({"required", "Refuse handshakes without Origin too; browsers always send it."},
              origins.required);
}

}  // namespace

void describe_networks(Fields& fields, const Key& key, std::vector<std::string>& networks) {
  fields.list(key, [&networks] {
    Shapes shapes;
    shapes.form = peers_form;
    shapes.take_text = into_networks(networks);
    return shapes;
  });
}

void describe_proxy_protocol(Fields& fields, std::optional<ProxyProtocolIn>& proxy_protocol) {
  static constexpr std::array<std::string_view, 2> others{"refuse", "direct"};
  const auto take_members = [&proxy_protocol](Fields& inner) {
    auto& written = proxy_protocol.emplace();
    describe_networks(inner, {"from", "Networks of the balancers that send the header."}, written.from);
    inner.require("from");
    inner.choice(
        {"others", "Other peers: `refuse` closes their connections, `direct` takes them for clients."},
        written.others, others);
  };
  fields.object({"proxyProtocol",
                 "Connections from balancers begin with a PROXY protocol header (version 1 or 2), which says "
                 "who the client is."},
                take_members);
}

void describe_access(Fields& fields, AccessRules& rules) {
  fields.list({"access",
               "Who is let in, by the client's address: the first rule that fits decides, and whom none fits "
               "is let in."},
              [&rules] {
                Shapes shapes;
                shapes.take_object = [&rules](Fields& inner) { describe_access_rule(inner, rules); };
                return shapes;
              });
}

void describe_origins(Fields& fields, std::optional<OriginPolicy>& origins) {
  Shapes shapes;
  shapes.form = "an origin such as `https://app.example.com`, `*.example.com`, `self` or `null`";
  OriginPolicy written;
  shapes.take_item = [&written](const Scalar& scalar) {
    written.allowed.emplace_back(scalar.text);
    return std::string();
  };
  shapes.take_text = shapes.take_item;
  shapes.take_object = [&written](Fields& inner) { describe_allowed_origins(inner, written); };
  fields.shaped(
      {"origins",
       "Pages that may open WebSockets here, by their Origin; others get a 403. Default: any page."},
      shapes, "");
  if (fields.has("origins")) origins = std::move(written);
}

void describe_basic_auth(Fields& fields, std::optional<BasicAuth>& basic_auth) {
  fields.object({"basicAuth", "Ask for a name and password (RFC 7617)."}, [&basic_auth](Fields& inner) {
    auto& written = basic_auth.emplace();
    written.place = inner.place();
    inner.text({"realm", "What the browser says the password is for."}, written.realm, "a text");
    inner.text({"file",
                "Names and password hashes as htpasswd writes them (bcrypt, `$apr1$`, `{SHA}`, `{SSHA}`, "
                "crypt(3)); read "
                "anew when it changes."},
               written.file, "a file");
    inner.require("file");
  });
}

}  // namespace tidegate::conf
