#include <array>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view endpoint_form =
    "an address such as `10.0.0.1:6001`, `soketi:6001` or `unix:/run/app.sock`";

// === endpoints ===

std::string take_endpoint_address(Endpoint& endpoint, const Scalar& scalar) {
  auto address = parse_endpoint_address(scalar.text);
  if (!address) return address.error().why;
  endpoint.address = std::move(*address);
  if (endpoint.name.empty()) endpoint.name = endpoint.address.text();
  return {};
}

Shapes endpoint_shapes(std::vector<Endpoint>& endpoints) {
  Endpoint& endpoint = endpoints.emplace_back();
  Shapes shapes;
  shapes.form = endpoint_form;
  shapes.take_text = [&endpoint](const Scalar& scalar) {
    endpoint.place = scalar.place;
    return take_endpoint_address(endpoint, scalar);
  };
  shapes.take_object = [&endpoint](Fields& inner) {
    endpoint.place = inner.place();
    inner.text({"name", "Identity in sticky cookies and metrics; default: the address."}, endpoint.name,
               "a name");
    const auto take = [&endpoint](const Scalar& scalar) { return take_endpoint_address(endpoint, scalar); };
    inner.text({"address", "Where to connect: an IP address or host name with its port, or a Unix socket."},
               "", take, endpoint_form);
    inner.require("address");
    inner.integer({"weight", "Share of the requests against the other endpoints."}, endpoint.weight,
                  {1, 1000});
  };
  return shapes;
}

Shapes source_shapes(Upstream& upstream) {
  Shapes shapes;
  shapes.form = "an IP address of this machine such as `10.0.0.2`";
  shapes.take_text = [&upstream](const Scalar& scalar) {
    upstream.source_addresses.emplace_back(scalar.text);
    return std::string();
  };
  return shapes;
}

// === balance ===

void describe_hash(Fields& fields, BalancePolicy& balance) {
  static constexpr std::array<std::string_view, 2> keys{"header", "cookie"};
  const auto take = [&balance](HashKey key) {
    return [&balance, key](const Scalar& scalar) {
      balance.hash_key = key;
      balance.hash_name = scalar.text;
      return std::string();
    };
  };
  fields.text({"header", "By the value of this request header field."}, "", take(HashKey::header),
              "the name of a header field");
  fields.text({"cookie", "By the value of this cookie."}, "", take(HashKey::cookie), "the name of a cookie");
  fields.require_one(keys);
}

void describe_keyed_balance(Fields& fields, BalancePolicy& balance) {
  static constexpr std::array<std::string_view, 2> kinds{"hash", "sticky"};
  Shapes hash;
  hash.words = {"clientAddress", "path"};
  hash.take_word = [&balance](std::size_t word) {
    balance.hash_key = word == 0 ? HashKey::client_address : HashKey::path;
  };
  hash.take_object = [&balance](Fields& inner) { describe_hash(inner, balance); };
  fields.shaped({"hash", "Equal keys go to the same endpoint."}, hash, "clientAddress");
  fields.object({"sticky", "A client stays with its endpoint by a cookie."}, [&balance](Fields& inner) {
    inner.text({"cookie", "Name of the cookie."}, balance.sticky_cookie, "the name of a cookie");
    inner.flag({"secure", "Mark the cookie `Secure`."}, balance.sticky_secure);
  });
  fields.require_one(kinds);
  balance.kind = fields.has("sticky") ? Balance::sticky : Balance::hash;
}

Shapes balance_shapes(BalancePolicy& balance) {
  static constexpr std::array kinds{Balance::round_robin, Balance::least_connections, Balance::random_two,
                                    Balance::hash, Balance::sticky};
  Shapes shapes;
  shapes.words = {"round-robin", "least-connections", "random-two", "hash", "sticky"};
  shapes.take_word = [&balance](std::size_t word) { balance.kind = kinds.at(word); };
  shapes.take_object = [&balance](Fields& inner) { describe_keyed_balance(inner, balance); };
  return shapes;
}

// === what happens when no endpoint is ready, or one fails ===

void describe_hold(Fields& fields, HoldPolicy& hold) {
  fields.duration({"maxWait", "How long a request waits at most; then 503."}, hold.max_wait);
  fields.integer({"maxWaiting", "How many may wait at once; over it 503 at once."}, hold.max_waiting,
                 {1, 10'000'000});
  fields.integer({"releasePerSecond", "Pace at which the waiting are let in once an endpoint is ready."},
                 hold.release_per_second, {1, 1'000'000});
  static constexpr std::array<std::string_view, 2> overflows{"status", "close"};
  fields.choice({"overflow",
                 "What a WebSocket handshake is told that may not wait or waited in vain: `status` 503, or "
                 "`close`: 101 and a Close (`closes.overflow`), which scripts in browsers can see."},
                hold.overflow, overflows);
}

void describe_outcomes(Fields& fields, const Key& key, RetryOn& on) {
  using Member = bool RetryOn::*;
  static constexpr std::array<Member, 7> members{
      &RetryOn::connect,    &RetryOn::refused,    &RetryOn::reset,     &RetryOn::timeout,
      &RetryOn::status_502, &RetryOn::status_503, &RetryOn::status_504};
  RetryOn written{false, false, false, false, false, false, false};
  fields.list(key, [&written] {
    Shapes shapes;
    shapes.words = {"connect", "refused", "reset", "timeout", "502", "503", "504"};
    shapes.take_word = [&written](std::size_t word) { written.*members.at(word) = true; };
    return shapes;
  });
  if (fields.has(key.name)) on = written;
}

void describe_retry(Fields& fields, RetryPolicy& retry) {
  fields.integer(
      {"tries", "Tries of one request, the first included; 0: bounded by `total` and the budget only."},
      retry.tries, {0, 1000});
  fields.integer(
      {"lostTries",
       "Tries of one request that may end without an answer after it was sent: it may be what ends them."},
      retry.lost_tries, {1, 1000});
  fields.duration({"total",
                   "Deadline over all tries and waits of one request; where `hold` is on, `hold.maxWait` if "
                   "that is longer."},
                  retry.total);
  fields.duration({"backOff", "Before the same address is tried anew; doubles up to 16 times this."},
                  retry.back_off);
  fields.integer({"budgetPercent", "Retries in flight as a share of the active requests."},
                 retry.budget_percent, {0, 100});
  fields.integer({"budgetMinimum", "Retries that are always allowed."}, retry.budget_minimum, {0, 1'000'000});
  describe_outcomes(fields,
                    {"on",
                     "Outcomes after which a repeatable request is tried again; default: connect, refused, "
                     "reset, timeout."},
                    retry.requests);
  describe_outcomes(
      fields,
      {"upgradesOn", "Outcomes after which an upgrade (a WebSocket handshake) is tried again; default: all."},
      retry.upgrades);
}

// === deadlines ===

void describe_timeouts(Fields& fields, UpstreamTimeouts& timeouts) {
  fields.duration({"connect", "To connect."}, timeouts.connect);
  fields.duration({"responseHeader", "From the request's end to the end of the response head, or the 101."},
                  timeouts.response_header);
  fields.duration({"responseIdle", "Between two reads of a response body."}, timeouts.response_idle);
  fields.duration({"writeStall", "No progress while bytes wait to be sent to the endpoint."},
                  timeouts.write_stall);
  fields.duration(
      {"poolIdle",
       "How long an idle connection is kept; must be shorter than the endpoint's own keep-alive."},
      timeouts.pool_idle);
  fields.duration({"websocketIdle", "A WebSocket silent in both directions."}, timeouts.websocket_idle);
  fields.duration({"websocketLifetime", "Total life of a WebSocket; 0: unlimited."},
                  timeouts.websocket_lifetime, {Duration::zero(), DurationRange{}.most});
  fields.duration({"fin", "How long the other direction stays open after one has ended."}, timeouts.fin);
}

void describe_upstream(Fields& fields, Upstream& upstream) {
  upstream.place = fields.place();
  describe_endpoints(fields, upstream.endpoints);
  describe_discovery(fields, upstream);
  Shapes tls;
  tls.words = {"off", "on"};
  tls.take_word = [&upstream](std::size_t word) {
    if (word == 1) upstream.tls.emplace();
  };
  tls.take_object = [&upstream](Fields& inner) { describe_upstream_tls(inner, upstream.tls.emplace()); };
  fields.shaped({"tls", "Speak TLS to the endpoints, and verify who they are."}, tls, "off");
  static constexpr std::array<std::string_view, 3> proxy_versions{"off", "v1", "v2"};
  fields.choice(
      {"proxyProtocol",
       "Begin each connection with a PROXY protocol header that names the client; such a connection "
       "serves one request."},
      upstream.proxy_protocol, proxy_versions);
  fields.list({"sourceAddresses",
               "IP addresses of this machine to connect from, in turn: each has ports of its own."},
              [&upstream] { return source_shapes(upstream); });
  fields.flag(
      {"virtual", "The one address stands for many pods (a Kubernetes Service): failures never take it out."},
      upstream.virtual_address);
  fields.shaped({"balance", "How an endpoint is chosen."}, balance_shapes(upstream.balance), "round-robin");
  describe_probes(fields, upstream);
  fields.integer({"maxConnections", "Per endpoint, over all workers; 0: unlimited."},
                 upstream.max_connections, {0, 10'000'000});
  fields.duration({"slowStart", "Time over which a newly ready endpoint's share grows to full; 0: none."},
                  upstream.slow_start, {Duration::zero(), std::chrono::hours(24)});
  fields.object({"pool", "Idle connections kept for reuse."}, [&upstream](Fields& inner) {
    inner.integer({"size", "Per endpoint and worker; 0: none."}, upstream.pool_size, {0, 65'535});
  });
  describe_switch(fields, {"hold", "Requests wait while no endpoint is ready, instead of failing."},
                  upstream.hold.enabled, [&upstream](Fields& inner) { describe_hold(inner, upstream.hold); });
  fields.integer(
      {"handshakesPerSecond",
       "Upgrades reach the endpoints at no more than this, over all of them; others wait as `hold` "
       "says, clients by turns. 0: as they come."},
      upstream.handshakes_per_second, {0, 1'000'000});
  describe_switch(fields, {"retry", "Failed tries are repeated where that is safe."}, upstream.retry.enabled,
                  [&upstream](Fields& inner) { describe_retry(inner, upstream.retry); });
  fields.object({"timeouts", "Deadlines towards the endpoints."},
                [&upstream](Fields& inner) { describe_timeouts(inner, upstream.timeouts); });
  describe_keepalive(fields, upstream.keepalive);
  fields.object({"drain", "How the WebSockets of an endpoint that leaves are ended."},
                [&upstream](Fields& inner) { describe_drain(inner, upstream.drain); });
  describe_switch(
      fields,
      {"rebalance",
       "Sockets of endpoints that have more than their share are closed slowly, the idle ones first: "
       "their clients come back to others."},
      upstream.rebalance.enabled, [&upstream](Fields& inner) {
        inner.integer({"perSecond", "Sockets closed, over all endpoints and workers."},
                      upstream.rebalance.per_second, {1, 100'000});
        inner.integer({"tolerancePercent", "So far above its share an endpoint is left alone."},
                      upstream.rebalance.tolerance_percent, {1, 1'000});
      });
  describe_closes(fields, upstream.closes);
}

}  // namespace

void describe_endpoints(Fields& fields, std::vector<Endpoint>& endpoints) {
  fields.list({"endpoints",
               "The servers behind this upstream. A name is resolved again and again, and each of its "
               "addresses is an endpoint."},
              [&endpoints] { return endpoint_shapes(endpoints); });
}

void describe_upstreams(Fields& fields, Config& config) {
  fields.table({"upstreams", "Groups of equal servers, by name."}, [&config](const Scalar& name) {
    Upstream& upstream = config.upstreams.emplace_back();
    upstream.name = name.text;
    upstream.place = name.place;
    Shapes shapes;
    shapes.take_object = [&upstream](Fields& inner) { describe_upstream(inner, upstream); };
    return shapes;
  });
}

}  // namespace tidegate::conf
