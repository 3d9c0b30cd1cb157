// Bad documents: each fault is reported at its place, with its path and what to write instead.

#include <vector>

#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

struct Row {
  std::string_view text;
  std::string_view error;  // the whole list of errors begins with this
};

void check_rows(const std::vector<Row>& rows, std::string_view before) {
  for (const auto& row : rows) {
    const std::string errors = errors_of(std::string(before) + std::string(row.text) + "\n");
    INFO(row.text);
    INFO("errors:   " << errors);
    INFO("expected: " << row.error);
    CHECK(errors.starts_with(row.error));
    // One fault, one line: nothing else is said that only follows from it.
    CHECK(errors.find('\n') + 1 == errors.size());
  }
}

}  // namespace

TEST_CASE("faults of syntax have their place and a hint") {
  check_rows(
      {
          {"", "t.yaml:1:1: expected a map with `listeners` and `upstreams`, found nothing"},
          {"- a", "t.yaml:1:1: expected a map with `listeners` and `upstreams`, found a list"},
          {"text", "t.yaml:1:1: expected a map with `listeners` and `upstreams`, found `text`"},
          {"a: [1, 2", "t.yaml:2:1: end of sequence flow not found; a `[` is not closed"},
          {"a: {b: 1", "t.yaml:2:1: end of map flow not found; a `{` is not closed"},
          {"a: b: c", "t.yaml:1:5: illegal map value; a text that contains `: ` must be quoted"},
          {"a: 1\n  b: 2", "t.yaml:2:4: illegal map value"},
          {"a:\n\t- b", "t.yaml:2:2: illegal block entry"},
          {"h: *.example.com", "t.yaml:1:4: "},
          {"h: [*.example.com]", "t.yaml:1:5: "},
          {"a: \"x", "t.yaml:1:4: a quote that is not closed"},
          {"a: @x", "t.yaml:1:4: unknown token; a text that begins with this character must be quoted"},
          {"a: 1\n---\nb: 2", "t.yaml:2:1: a second document"},
          {"? [a]\n: 1", "t.yaml:1:3: a key must be a plain word"},
          {"[a]: 1", "t.yaml:1:1: "},
      },
      "");
}

TEST_CASE("faults at the top") {
  check_rows(
      {
          {"listen: []",
           "t.yaml:3:1: listen: unknown key `listen`; known here: listeners, routes, upstreams, admin, "
           "resolver,"},
          {"upstream: {}", "t.yaml:3:1: upstream: unknown key `upstream`; did you mean `upstreams`?"},
          {"shut_down: {}", "t.yaml:3:1: shut_down: unknown key `shut_down`; did you mean `shutdown`?"},
          {"workers: four",
           "t.yaml:3:10: workers: expected a plain whole number from 0 to 1024, found `four`"},
          {"workers: \"4\"",
           "t.yaml:3:10: workers: expected a whole number, found a text: write it without quotes"},
          {"workers: -1", "t.yaml:3:10: workers: expected a plain whole number from 0 to 1024, found `-1`"},
          {"workers: 5000", "t.yaml:3:10: workers: must be from 0 to 1024, found `5000`"},
          {"workers: [1]", "t.yaml:3:10: workers: expected a whole number, found a list"},
          {"workers:", "t.yaml:3:1: workers: expected a whole number, found nothing"},
          {"workers: 1\nworkers: 2",
           "t.yaml:4:1: workers: this key is here twice, first in line 3; keep one of the two"},
          {"trustedProxies: 10.0.0.0/8", "t.yaml:3:17: trustedProxies: expected a list"},
          {"trustedProxies: [10.0.0.1/8]",
           "t.yaml:3:18: trustedProxies[0]: `10.0.0.1/8` has bits behind its prefix"},
          {"trustedProxies: [example.com]", "t.yaml:3:18: trustedProxies[0]: expected a network such as"},
          {"admin: 9901", "t.yaml:3:8: admin: expected off, on or a map, found `9901`"},
          {"admin: { address: localhost:9901 }",
           "t.yaml:3:19: admin.address: a listener needs an IP address, not a name"},
          {"admin: { address: \":9901\" }",
           "t.yaml:3:19: admin.address: write one address, `127.0.0.1:9901`"},
          {"admin: { adress: \"127.0.0.1:1\" }",
           "t.yaml:3:10: admin.adress: unknown key `adress`; did you mean `address`?"},
          {"admin: { address: 0.0.0.0:80 }", "t.yaml:3:19: admin.address: `0.0.0.0:80` is also listeners[0]"},
          {"admin: { address: 127.0.0.1:80 }",
           "t.yaml:3:19: admin.address: `127.0.0.1:80` overlaps listeners[0], `0.0.0.0:80`: give"},
          {"admin: { address: '[::]:80' }",
           "t.yaml:3:19: admin.address: `[::]:80` overlaps listeners[0], `0.0.0.0:80`: give"},
          {"log: { access: syslog }",
           "t.yaml:3:16: log.access: expected `stdout`, `stderr` or the path of a file"},
          {"log: { access: { format: xml } }",
           "t.yaml:3:26: log.access.format: expected one of combined, main or json, found `xml`"},
          {"log: { access: { format: comb1ned } }",
           "t.yaml:3:26: log.access.format: expected one of combined, main or json, found `comb1ned`; did "
           "you mean `combined`?"},
          {"log: { error: { level: warning } }",
           "t.yaml:3:24: log.error.level: expected one of debug, info, warn or error, found `warning`"},
          {"log: off", "t.yaml:3:6: log: expected a map, found `off`"},
          {"shutdown: { deadline: 25 }",
           "t.yaml:3:23: shutdown.deadline: a duration needs a unit: write `25s` for seconds or `25ms`"},
          {"shutdown: { deadline: 0s }",
           "t.yaml:3:23: shutdown.deadline: must be from 1ms to 365d, found `0s`"},
          {"shutdown: { delay: soon }", "t.yaml:3:20: shutdown.delay: expected a duration such as"},
          {"<<: {}", "t.yaml:3:1: <<: merge keys (`<<`) are not supported"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\n");
}

TEST_CASE("faults of listeners") {
  check_rows(
      {
          {"listeners: []", "t.yaml:2:12: listeners: there is no listener: write at least one"},
          {"", "t.yaml:1:1: `listeners` is missing"},
          {"listeners: 0.0.0.0:80", "t.yaml:2:12: listeners: expected a list"},
          {"listeners: [80]", "t.yaml:2:13: listeners[0]: write `:80`"},
          {"listeners: [\"localhost:80\"]",
           "t.yaml:2:13: listeners[0]: a listener needs an IP address, not a name"},
          {"listeners: [[::]:80]", "t.yaml:2:"},
          {"listeners: [{}]", "t.yaml:2:13: listeners[0]: `address` is missing"},
          {"listeners: [{address: \":81\", port: 80}]",
           "t.yaml:2:30: listeners[0].port: unknown key `port`; known here: address, requestLimits,"},
          {"listeners: [{adress: \":80\"}]",
           "t.yaml:2:14: listeners[0].adress: unknown key `adress`; did you mean `address`?"},
          {"listeners: [~]", "t.yaml:2:13: listeners[0]: expected an address to listen on such as"},
          {"listeners: [{address: \":80\", timeouts: {requestHeader: 15}}]",
           "t.yaml:2:56: listeners[0].timeouts.requestHeader: a duration needs a unit"},
          {"listeners: [{address: \":80\", timeouts: 15s}]",
           "t.yaml:2:40: listeners[0].timeouts: expected a map, found `15s`"},
          {"listeners: [{address: \":80\", requestLimits: {head: 64kb}}]",
           "t.yaml:2:52: listeners[0].requestLimits.head: expected a size such as `4096`, `64k`"},
          {"listeners: [{address: \":80\", requestLimits: {head: 100}}]",
           "t.yaml:2:52: listeners[0].requestLimits.head: must be from 1k to 1m, found `100`"},
          {"listeners: [{address: \":80\", requestLimits: {target: 64k}}]",
           "t.yaml:2:54: listeners[0].requestLimits.target: the target (64k) is a part of the head"},
          {"listeners: [{address: \":80\", bareLineFeed: maybe}]",
           "t.yaml:2:44: listeners[0].bareLineFeed: expected one of refuse or accept, found `maybe`"},
          {"listeners: [\":80\", \"0.0.0.0:80\"]",
           "t.yaml:2:20: listeners[1].address: `0.0.0.0:80` is listened on already by listeners[0]"},
          {"listeners: [\"[::]:80\", \":80\"]",
           "t.yaml:2:24: listeners[1].address: `[::]:80` is listened on already by listeners[0]"},
          {"listeners: [\":80\", \"10.0.0.1:80\"]",
           "t.yaml:2:20: listeners[1].address: `10.0.0.1:80` and `0.0.0.0:80` of listeners[0] overlap"},
          {"listeners: [\"[::1]:80\", \"[::]:80\"]",
           "t.yaml:2:25: listeners[1].address: `[::]:80` and `[::1]:80` of listeners[0] overlap"},
      },
      "upstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\n");
}

TEST_CASE("faults of routes") {
  check_rows(
      {
          {"{upstream: ap}",
           "t.yaml:4:16: routes[0].upstream: there is no upstream `ap`; did you mean `app`?"},
          {"{upstream: zzz}", "t.yaml:4:16: routes[0].upstream: there is no upstream `zzz`; there are: app"},
          {"{path: /}", "t.yaml:4:5: routes[0]: one of upstream, redirect or respond is missing"},
          {"{upsteam: app}",
           "t.yaml:4:6: routes[0].upsteam: unknown key `upsteam`; did you mean `upstream`?"},
          {"{upstream: app, respond: {}}",
           "t.yaml:4:30: routes[0].respond: upstream and respond exclude each other: keep one"},
          {"app", "t.yaml:4:5: routes[0]: expected a map, found `app`"},
          {"{upstream: app, path: app}", "t.yaml:4:27: routes[0].path: a path begins with `/`, found `app`"},
          {"{upstream: app, path: \"/a?b\"}",
           "t.yaml:4:27: routes[0].path: a path is matched without its query"},
          {"{upstream: app, path: /a%20b}", "t.yaml:4:27: routes[0].path: a path is matched decoded"},
          {"{upstream: app, path: /a/../b}", "t.yaml:4:27: routes[0].path: a path is matched after"},
          {"{upstream: app, path: {}}",
           "t.yaml:4:27: routes[0].path: one of prefix, exact or regex is missing"},
          {"{upstream: app, path: {exact: /a, prefix: /b}}",
           "t.yaml:4:35: routes[0].path.exact: prefix and exact exclude each other"},
          {"{upstream: app, path: {regex: '('}}",
           "t.yaml:4:35: routes[0].path.regex: the regular expression does not compile: missing closing "
           "parenthesis at offset 1"},
          {"{upstream: app, path: {regexp: 'a'}}",
           "t.yaml:4:28: routes[0].path.regexp: unknown key `regexp`; did you mean `regex`?"},
          {"{upstream: app, hosts: a.example.com}", "t.yaml:4:28: routes[0].hosts: expected a list"},
          {"{upstream: app, hosts: [\"a:80\"]}",
           "t.yaml:4:29: routes[0].hosts[0]: write the host without a port or scheme"},
          {"{upstream: app, hosts: [\"*\"]}", "t.yaml:4:29: routes[0].hosts[0]: leave `hosts` out"},
          {"{upstream: app, hosts: [a, A]}", "t.yaml:4:28: routes[0].hosts: `a` is here twice"},
          {"{upstream: app, listeners: [\"0.0.0.0:81\"]}",
           "t.yaml:4:32: routes[0].listeners: there is no listener `0.0.0.0:81`; did you mean `0.0.0.0:80`?"},
          {"{upstream: app, host: \"$hots\"}",
           "t.yaml:4:27: routes[0].host: unknown variable `$hots`; did you mean `$host`?"},
          {"{upstream: app, host: \"\"}", "t.yaml:4:27: routes[0].host: is empty"},
          {"{upstream: app, upgrade: h2c}", "t.yaml:4:30: routes[0].upgrade: `h2c` cannot be passed"},
          {"{upstream: app, upgrade: [\"a b\"]}",
           "t.yaml:4:30: routes[0].upgrade: `a b` is not the name of an upgrade protocol"},
          {"{upstream: app, upgrade: {}}",
           "t.yaml:4:30: routes[0].upgrade: expected any, none, the name of an upgrade protocol such as "
           "`websocket` or a list, found a map"},
          {"{upstream: app, stripPrefix: \"yes\"}",
           "t.yaml:4:34: routes[0].stripPrefix: expected `true` or `false` (without quotes)"},
          {"{upstream: app, stripPrefix: true, replacePrefix: /x}",
           "t.yaml:4:55: routes[0].replacePrefix: stripPrefix and replacePrefix exclude each other"},
          {"{upstream: app, path: {regex: a}, stripPrefix: true}",
           "t.yaml:4:52: routes[0].stripPrefix: has a meaning only for a prefix"},
          {"{upstream: app, replacePrefix: x}",
           "t.yaml:4:36: routes[0].replacePrefix: a path begins with `/`, found `x`"},
          {"{upstream: app, maxBody: 1x}", "t.yaml:4:30: routes[0].maxBody: expected a size"},
          {"{redirect: /x, maxBody: 1m}",
           "t.yaml:4:29: routes[0].maxBody: maxBody has a meaning only beside `upstream`"},
          {"{redirect: {}}", "t.yaml:4:16: routes[0].redirect: `to` is missing"},
          {"{redirect: {to: /x, status: 305}}",
           "t.yaml:4:33: routes[0].redirect.status: a redirect is 301, 302, 303, 307 or 308, found `305`"},
          {"{redirect: {to: /x, status: 200}}",
           "t.yaml:4:33: routes[0].redirect.status: must be from 301 to 308, found `200`"},
          {"{redirect: {to: example.com}}", "t.yaml:4:21: routes[0].redirect.to: a location begins with `/`"},
          {"{redirect: {to: \"/a b\"}}", "t.yaml:4:21: routes[0].redirect.to: a location has no spaces"},
          {"{respond: {status: 99}}", "t.yaml:4:24: routes[0].respond.status: must be from 200 to 599"},
          {"{respond: {status: 204, body: x}}",
           "t.yaml:4:35: routes[0].respond.body: a response with status 204 has no body"},
          {"{respond: {contentType: text}}",
           "t.yaml:4:29: routes[0].respond.contentType: expected a media type"},
          {"{respond: {text: x}}",
           "t.yaml:4:16: routes[0].respond.text: unknown key `text`; known here: status, body, contentType"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\nroutes:\n  - ");
}

TEST_CASE("faults of header rules") {
  check_rows(
      {
          {"{set: {\"X A\": 1}}",
           "t.yaml:5:35: routes[0].requestHeaders.set.X A: `X A` is not the name of a header field"},
          {"{set: {Connection: close}}",
           "t.yaml:5:40: routes[0].requestHeaders.set.Connection: `Connection` belongs to the connection"},
          {"{set: {Host: x}}", "t.yaml:5:34: routes[0].requestHeaders.set.Host: use the route's `host:`"},
          {"{set: {X: \"a\\nb\"}}", "t.yaml:5:31: routes[0].requestHeaders.set.X: has a line break"},
          {"{set: {X: $nope}}", "t.yaml:5:31: routes[0].requestHeaders.set.X: unknown variable `$nope`"},
          {"{set: [X]}",
           "t.yaml:5:27: routes[0].requestHeaders.set: expected a map (`name: ...`), found a list"},
          {"{set: {X: [1]}}", "t.yaml:5:31: routes[0].requestHeaders.set.X: expected a text"},
          {"{remove: [Transfer-Encoding]}",
           "t.yaml:5:31: routes[0].requestHeaders.remove[0]: `Transfer-Encoding` belongs to the connection"},
          {"{remove: X}", "t.yaml:5:30: routes[0].requestHeaders.remove: expected a list"},
          {"{sett: {X: 1}}",
           "t.yaml:5:22: routes[0].requestHeaders.sett: unknown key `sett`; did you mean `set`?"},
          {"{set: {X: 1, X: 2}}", "t.yaml:5:34: routes[0].requestHeaders.set.X: this key is here twice"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\nroutes:\n"
      "  - upstream: app\n    requestHeaders: ");
}

TEST_CASE("faults of upstreams") {
  check_rows(
      {
          {"endpoints: []", "t.yaml:4:16: upstreams.app.endpoints: there is no endpoint"},
          {"balance: hash",
           "t.yaml:4:5: upstreams.app: one of endpoints, dns, kubernetes or file is missing"},
          {"endpoint: [\"h:1\"]",
           "t.yaml:4:5: upstreams.app.endpoint: unknown key `endpoint`; did you mean `endpoints`?"},
          {"endpoints: h:1", "t.yaml:4:16: upstreams.app.endpoints: expected a list"},
          {"endpoints: [h]", "t.yaml:4:17: upstreams.app.endpoints[0]: an address needs a port"},
          {"endpoints: [\"http://h:1\"]",
           "t.yaml:4:17: upstreams.app.endpoints[0]: write the address alone, `h:1`"},
          {"endpoints: [\"h:1\", \"h:1\"]",
           "t.yaml:4:24: upstreams.app.endpoints[1]: `h:1` is endpoints[0] already"},
          {"endpoints: [{address: \"h:1\", weight: 0}]",
           "t.yaml:4:42: upstreams.app.endpoints[0].weight: must be from 1 to 1000, found `0`"},
          {"endpoints: [{weight: 1}]", "t.yaml:4:17: upstreams.app.endpoints[0]: `address` is missing"},
          {"endpoints: [{address: \"h:1\", name: x}, {address: \"h:2\", name: x}]",
           "t.yaml:4:67: upstreams.app.endpoints[1].name: `x` is the name of endpoints[0] already"},
          {"endpoints: [{address: \"h:1\", name: \"a b\"}]",
           "t.yaml:4:40: upstreams.app.endpoints[0].name: a name has no spaces"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams:\n  app:\n    ");
}

TEST_CASE("faults of an upstream's settings") {
  check_rows(
      {
          {"balance: least-conn",
           "t.yaml:5:14: upstreams.app.balance: expected round-robin, least-connections, random-two, hash, "
           "sticky or a map, found `least-conn`"},
          {"balance: roundrobin",
           "t.yaml:5:14: upstreams.app.balance: expected round-robin, least-connections, random-two, hash, "
           "sticky or a map, found `roundrobin`; did you mean `round-robin`?"},
          {"balance: {hash: {}}",
           "t.yaml:5:21: upstreams.app.balance.hash: one of header or cookie is missing"},
          {"balance: {hash: ip}",
           "t.yaml:5:21: upstreams.app.balance.hash: expected clientAddress, path or a map, found `ip`"},
          {"balance: {hash: {header: \"a b\"}}",
           "t.yaml:5:30: upstreams.app.balance.hash.header: `a b` is not the name of a header field"},
          {"balance: {sticky: {cookie: \"a=b\"}}",
           "t.yaml:5:32: upstreams.app.balance.sticky.cookie: `a=b` is not the name of a cookie"},
          {"balance: {}", "t.yaml:5:14: upstreams.app.balance: one of hash or sticky is missing"},
          {"virtual: maybe", "t.yaml:5:14: upstreams.app.virtual: expected `true` or `false`"},
          {"hold: {maxWait: 0s}", "t.yaml:5:21: upstreams.app.hold.maxWait: must be from 1ms to 365d"},
          {"hold: {maxWaiting: 0}", "t.yaml:5:24: upstreams.app.hold.maxWaiting: must be from 1 to 10000000"},
          {"hold: 5s", "t.yaml:5:11: upstreams.app.hold: expected off, on or a map, found `5s`"},
          {"retry: {on: [refused, 500]}",
           "t.yaml:5:27: upstreams.app.retry.on[1]: expected connect, refused, reset, timeout, 502, 503 or "
           "504, found `500`"},
          {"retry: {on: [conect]}",
           "t.yaml:5:18: upstreams.app.retry.on[0]: expected connect, refused, reset, timeout, 502, 503 or "
           "504, found `conect`; did you mean `connect`?"},
          {"retry: {backOff: 20s}",
           "t.yaml:5:22: upstreams.app.retry.backOff: a wait of 20s leaves no time for a second try within "
           "`total` (10s)"},
          {"retry: {budgetPercent: 101}",
           "t.yaml:5:28: upstreams.app.retry.budgetPercent: must be from 0 to 100"},
          {"timeouts: {conect: 1s}",
           "t.yaml:5:16: upstreams.app.timeouts.conect: unknown key `conect`; did you mean `connect`?"},
          {"timeouts: {connect: 10}",
           "t.yaml:5:25: upstreams.app.timeouts.connect: a duration needs a unit: write `10s`"},
          {"timeouts: {connect: 0s}",
           "t.yaml:5:25: upstreams.app.timeouts.connect: must be from 1ms to 365d"},
          {"timeouts: {connect: [1s]}",
           "t.yaml:5:25: upstreams.app.timeouts.connect: expected a duration such as `10s`, found a list"},
          {"closes: {lost: 1006}",
           "t.yaml:5:20: upstreams.app.closes.lost: `1006` may not stand in a Close frame (RFC 6455 7.4)"},
          {"closes: {lost: 9000}",
           "t.yaml:5:20: upstreams.app.closes.lost: a code of a Close frame is a number up to 4999"},
          {"closes: {lost: {code: 999}}",
           "t.yaml:5:27: upstreams.app.closes.lost.code: must be from 1000 to 4999"},
          {"balance: sticky\n    rebalance: on",
           "t.yaml:6:16: upstreams.app.rebalance: cannot act beside this `balance`"},
          {"drain: {window: 30s}",
           "t.yaml:4:5: upstreams.app.drain.deadline: must not be shorter than the window"},
          {"maxConnections: many",
           "t.yaml:5:21: upstreams.app.maxConnections: expected a plain whole number"},
          {"pool: 64", "t.yaml:5:11: upstreams.app.pool: expected a map, found `64`"},
          {"slowStart: 30", "t.yaml:5:16: upstreams.app.slowStart: a duration needs a unit"},
          {"consul: {}",
           "t.yaml:5:5: upstreams.app.consul: unknown key `consul`; known here: endpoints, dns, kubernetes,"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams:\n  app:\n    endpoints: [\"10.0.0.1:1\"]\n    ");
}

TEST_CASE("faults of probes") {
  check_rows(
      {
          {"{}", "t.yaml:5:21: upstreams.app.readinessProbe: one of httpGet or tcpSocket is missing"},
          {"{exec: {command: [\"true\"]}}",
           "t.yaml:5:22: upstreams.app.readinessProbe.exec: a command inside the pod cannot be run from "
           "here"},
          {"{grpc: {port: 1}}",
           "t.yaml:5:22: upstreams.app.readinessProbe.grpc: gRPC probes are not supported"},
          {"{httpGet: {}, tcpSocket: {}}",
           "t.yaml:5:46: upstreams.app.readinessProbe.tcpSocket: httpGet and tcpSocket exclude each other"},
          {"{httpGet: {port: http}}",
           "t.yaml:5:38: upstreams.app.readinessProbe.httpGet.port: a named port is not known here"},
          {"{httpGet: {port: 0}}",
           "t.yaml:5:38: upstreams.app.readinessProbe.httpGet.port: a port is a number from 1 to 65535"},
          {"{httpGet: {scheme: GOPHER}}",
           "t.yaml:5:40: upstreams.app.readinessProbe.httpGet.scheme: expected `HTTP` or `HTTPS`, found "
           "`GOPHER`"},
          {"{httpGet: {path: ready}}",
           "t.yaml:5:38: upstreams.app.readinessProbe.httpGet.path: a path begins with `/`, found `ready`"},
          {"{httpGet: {httpHeaders: {X-A: 1}}}",
           "t.yaml:5:45: upstreams.app.readinessProbe.httpGet.httpHeaders: expected a list"},
          {"{httpGet: {httpHeaders: [{name: X}]}}",
           "t.yaml:5:46: upstreams.app.readinessProbe.httpGet.httpHeaders[0]: `value` is missing"},
          {"{httpGet: {httpHeaders: [{name: \"a b\", value: x}]}}",
           "t.yaml:5:53: upstreams.app.readinessProbe.httpGet.httpHeaders[0].name: `a b` is not the name of "
           "a header field"},
          {"{httpGet: {}, periodSeconds: 2s}",
           "t.yaml:5:50: upstreams.app.readinessProbe.periodSeconds: expected a plain whole number from 1 to "
           "86400, found `2s`"},
          {"{httpGet: {}, periodSeconds: 0}",
           "t.yaml:5:50: upstreams.app.readinessProbe.periodSeconds: must be from 1 to 86400, found `0`"},
          {"{httpGet: {}, period: 2}",
           "t.yaml:5:35: upstreams.app.readinessProbe.period: unknown key `period`; known here: httpGet,"},
      },
      "listeners: [\"0.0.0.0:80\"]\nupstreams:\n  app:\n    endpoints: [\"10.0.0.1:1\"]\n    "
      "readinessProbe: ");
}

TEST_CASE("all faults are reported in one go, sorted by place") {
  const std::string errors = errors_of(R"(listeners:
  - addres: ":80"
  - 80
routes:
  - hosts: ["*"]
    upstream: ap
upstreams:
  app:
    endpoints: [h]
    balance: sticki
    timeouts: { connect: 10 }
    timeouts: { connect: 10s }
wokers: 2
)");
  CHECK(
      errors ==
      "t.yaml:2:5: listeners[0].addres: unknown key `addres`; did you mean `address`?\n"
      "t.yaml:3:5: listeners[1]: write `:80` to listen on a port of all addresses\n"
      "t.yaml:5:13: routes[0].hosts[0]: leave `hosts` out to match every host\n"
      "t.yaml:6:15: routes[0].upstream: there is no upstream `ap`; did you mean `app`?\n"
      "t.yaml:9:17: upstreams.app.endpoints[0]: an address needs a port: write `h:80` with the right number\n"
      "t.yaml:10:14: upstreams.app.balance: expected round-robin, least-connections, random-two, hash, "
      "sticky or a "
      "map, found `sticki`; did you mean `sticky`?\n"
      "t.yaml:11:26: upstreams.app.timeouts.connect: a duration needs a unit: write `10s` for seconds or "
      "`10ms` "
      "for milliseconds\n"
      "t.yaml:12:5: upstreams.app.timeouts: this key is here twice, first in line 11; keep one of the two\n"
      "t.yaml:13:1: wokers: unknown key `wokers`; did you mean `workers`?\n");
}
