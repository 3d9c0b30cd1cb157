#include <algorithm>
#include <array>
#include <limits>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view template_form = "a text, in which variables such as `$host` are replaced";

TakeText into(std::string& value) {
  return [&value](const Scalar& scalar) {
    value = scalar.text;
    return std::string();
  };
}

// === header rules ===

// YAML maps have no order, so the order of the rules is fixed: remove, set, add.
void describe_headers(Fields& fields, std::vector<HeaderRule>& rules) {
  fields.list({"remove", "Names of header fields to remove; done first."}, [&rules] {
    Shapes shapes;
    shapes.form = "the name of a header field";
    shapes.take_text = [&rules](const Scalar& scalar) {
      rules.push_back({HeaderOperation::remove, std::string(scalar.text), {}});
      return std::string();
    };
    return shapes;
  });
  const auto table = [&](const Key& key, HeaderOperation operation) {
    fields.table(key, [&rules, operation](const Scalar& name) {
      Shapes shapes;
      shapes.form = template_form;
      shapes.take_text = [&rules, operation, name = std::string(name.text)](const Scalar& scalar) {
        rules.push_back({operation, name, std::string(scalar.text)});
        return std::string();
      };
      return shapes;
    });
  };
  table({"set", "Header fields to set, by name; fields of that name are replaced. Variables are allowed."},
        HeaderOperation::set);
  table({"add", "Header fields to add, by name, beside those already there. Variables are allowed."},
        HeaderOperation::add);
}

// === conditions ===

Shapes path_shapes(PathMatch& path) {
  Shapes shapes;
  shapes.form = "a path that begins with `/`";
  shapes.take_text = [&path](const Scalar& scalar) {
    path = {PathKind::prefix, std::string(scalar.text)};
    return std::string();
  };
  shapes.take_object = [&path](Fields& inner) {
    static constexpr std::array<std::string_view, 3> kinds{"prefix", "exact", "regex"};
    const auto take = [&path](PathKind kind) {
      return [&path, kind](const Scalar& scalar) {
        path = {kind, std::string(scalar.text)};
        return std::string();
      };
    };
    inner.text({"prefix", "Whole leading segments: `/app` matches `/app` and `/app/x`, not `/apple`."}, "",
               take(PathKind::prefix), "a path that begins with `/`");
    inner.text({"exact", "The path as a whole."}, "", take(PathKind::exact), "a path that begins with `/`");
    inner.text(
        {"regex",
         "A Perl-compatible regular expression (PCRE2) found anywhere in the path; anchor it with ^ and $. "
         "`.` is any byte, a line feed too, and `$` the very end. A path on which it takes too many steps is "
         "answered 400."},
        "", take(PathKind::regex), "a regular expression");
    inner.require_one(kinds);
  };
  return shapes;
}

void describe_conditions(Fields& fields, Route& route) {
  fields.text({"name", "For logs and metrics; default: the first host and the path."}, route.name, "a name");
  fields.list({"listeners", "Addresses of the listeners this route belongs to; default: all."}, [&route] {
    Shapes shapes;
    shapes.form = "the address of a listener";
    shapes.take_text = [&route](const Scalar& scalar) {
      const auto addresses = parse_listen_address(scalar.text);
      if (!addresses) return addresses.error().why;
      for (const auto& address : *addresses) route.listeners.push_back(address.text());
      return std::string();
    };
    return shapes;
  });
  fields.list({"hosts", "Host names, exact or `*.example.com`; default: any host."}, [&route] {
    Shapes shapes;
    shapes.form = "a host name";
    shapes.take_text = [&route](const Scalar& scalar) {
      const auto host = parse_route_host(scalar.text);
      if (!host) return host.error().why;
      route.hosts.push_back(*host);
      return std::string();
    };
    return shapes;
  });
  fields.shaped(
      {"path",
       "The decoded path without its query, dot segments and empty segments: a prefix, or `exact:`, "
       "`prefix:`, `regex:`. `%2F` separates as `/` does. A path that leaves the root, decodes to NUL, is "
       "not validly encoded or has dot segments beside an encoded slash, a backslash or an empty segment is "
       "answered 400; any other goes on as it was received. As in nginx every other byte stands for itself: "
       "`;`, `\\`, control bytes and letters of the other case too. A rule for `/admin` thus says nothing of "
       "`/admin;x`, `/;/admin`, `/admin\\x` or `/Admin`; before pods that take these for the same (Tomcat "
       "cuts `;...` off, IIS reads `\\` as `/`) name the paths to let in, not those to keep out."},
      path_shapes(route.path), "/");
}

// === actions ===

Shapes upgrade_shapes(UpgradePolicy& policy) {
  Shapes shapes;
  shapes.words = {"any", "none"};
  shapes.take_word = [&policy](std::size_t word) { policy = {word == 0, word == 0, {}}; };
  shapes.form = "the name of an upgrade protocol such as `websocket`";
  shapes.take_item = [&policy](const Scalar& scalar) {
    if (scalar.text == "websocket") {
      policy.websocket = true;
    } else {
      policy.others.emplace_back(scalar.text);
    }
    return std::string();
  };
  shapes.take_text = shapes.take_item;
  return shapes;
}

void describe_proxy(Fields& fields, ProxyAction& proxy) {
  fields.text({"upstream", "Action: pass the request to this upstream."}, proxy.upstream,
              "the name of an upstream");
  bool strip = false;
  fields.flag({"stripPrefix", "Take the matched prefix off the path."}, strip);
  if (strip) proxy.replace_prefix = "";
  const auto take_prefix = [&proxy](const Scalar& scalar) {
    proxy.replace_prefix = scalar.text;
    return std::string();
  };
  fields.text({"replacePrefix", "Put this in the place of the matched prefix."}, "", take_prefix,
              "a path that begins with `/`");
  fields.allow_one(std::array<std::string_view, 2>{"stripPrefix", "replacePrefix"});
  const auto take_host = [&proxy](const Scalar& scalar) {
    if (scalar.text == "preserve") {
      proxy.host = HostPolicy::preserve;
    } else if (scalar.text == "upstream") {
      proxy.host = HostPolicy::upstream;
    } else {
      proxy.host = HostPolicy::replace;
      proxy.host_value = scalar.text;
    }
    return std::string();
  };
  fields.text(
      {"host",
       "The Host field sent on: `preserve` the client's, `upstream` for the endpoint's address, or a text."},
      "preserve", take_host, "`preserve`, `upstream` or a text");
  UpgradePolicy upgrade{false, false, {}};
  fields.shaped(
      {"upgrade",
       "Protocols that may be upgraded to: a list, `any` or `none`; others are served as plain HTTP."},
      upgrade_shapes(upgrade), "websocket");
  if (fields.has("upgrade")) proxy.upgrade = upgrade;
  constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
  proxy.body_bytes = fields.take_size(
      {"maxBody", "The request body, 0 for no limit; in place of the listener's `requestLimits.body`."}, 0,
      {0, largest});
  fields.object({"requestHeaders", "Changes to the request's header fields."},
                [&proxy](Fields& inner) { describe_headers(inner, proxy.request_headers); });
  describe_origins(fields, proxy.origins);
  describe_preset(fields, proxy.websocket);
  describe_websocket(fields, proxy.websocket);
  for (const auto name : {"stripPrefix", "replacePrefix", "host", "upgrade", "maxBody", "requestHeaders",
                          "origins", "preset", "webSocket"}) {
    fields.only_with(name, "upstream");
  }
}

void describe_redirect(Fields& fields, RedirectAction& redirect) {
  Shapes shapes;
  shapes.form = "a location such as `https://$host$request_uri`";
  shapes.take_text = into(redirect.location);
  shapes.take_object = [&redirect](Fields& inner) {
    inner.text({"to", "The Location; variables are allowed."}, redirect.location,
               "a location such as `https://$host$request_uri`");
    inner.require("to");
    inner.integer({"status", "301, 302, 303, 307 or 308."}, redirect.status, {301, 308});
  };
  fields.shaped({"redirect", "Action: send the client elsewhere."}, shapes, "");
}

void describe_respond(Fields& fields, RespondAction& respond) {
  fields.object({"respond", "Action: answer at once."}, [&respond](Fields& inner) {
    inner.integer({"status", "The status code."}, respond.status, {200, 599});
    inner.text({"body", "The body as it is."}, respond.body, "a text");
    inner.text({"contentType", "The Content-Type of the body."}, respond.content_type, "a media type");
  });
}

void describe_route(Fields& fields, Route& route) {
  static constexpr std::array<std::string_view, 3> actions{"upstream", "redirect", "respond"};
  route.place = fields.place();
  describe_conditions(fields, route);
  describe_access(fields, route.access);
  describe_basic_auth(fields, route.basic_auth);
  ProxyAction proxy;
  RedirectAction redirect;
  RespondAction respond;
  describe_proxy(fields, proxy);
  describe_redirect(fields, redirect);
  describe_respond(fields, respond);
  fields.require_one(actions);
  describe_limit_names(fields, route.limit_names);
  fields.object({"responseHeaders", "Changes to the response's header fields."},
                [&route](Fields& inner) { describe_headers(inner, route.response_headers); });
  if (fields.has("redirect")) {
    route.action = std::move(redirect);
  } else if (fields.has("respond")) {
    route.action = std::move(respond);
  } else {
    route.action = std::move(proxy);
  }
  if (route.name.empty()) route.name = (route.hosts.empty() ? "" : route.hosts.front()) + route.path.value;
}

}  // namespace

void describe_routes(Fields& fields, Config& config) {
  fields.list({"routes",
               "Which requests go where: by host, within a host by path, exact before regex before the "
               "longest prefix. "
               "Without routes every request goes to the only upstream."},
              [&config] {
                config.routes.emplace_back();
                Shapes shapes;
                shapes.take_object = [&route = config.routes.back()](Fields& inner) {
                  describe_route(inner, route);
                };
                return shapes;
              });
}

}  // namespace tidegate::conf
