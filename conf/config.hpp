// The configuration as plain values: what every reader (YAML now, nginx syntax later) produces and what the
// engine is built from. Nothing here opens, resolves or checks anything; `validate` does the checking and
// `yaml_reader` the reading. A `Config` is immutable once it has been validated and is shared between threads
// as `std::shared_ptr<const Config>`.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/discovery.hpp"
#include "conf/identity.hpp"
#include "conf/limits.hpp"
#include "conf/place.hpp"
#include "conf/probe.hpp"
#include "conf/tls.hpp"
#include "conf/websocket.hpp"

namespace tidegate::conf {

using Duration = std::chrono::milliseconds;

// A socket address as written. `host` is an IP literal without brackets, or a name; for a Unix socket `path`
// is set and the rest is empty.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  std::string path;

  [[nodiscard]] bool is_unix() const { return !path.empty(); }
  // Has to be resolved.
  [[nodiscard]] bool is_name() const;
  // `10.0.0.1:80`, `[::1]:80` or `unix:/run/a.sock`: the form used in logs, metrics and messages.
  [[nodiscard]] std::string text() const;
  bool operator==(const Address&) const = default;
};

// === listeners ===

// How a head whose lines end in a bare LF is taken (RFC 9112 2.2). Chunk framing never accepts a bare LF.
enum class BareLineFeed { refuse, accept };

// What becomes of request fields whose names have underscores (nginx: `underscores_in_headers`). CGI-like
// applications read `X_Real_IP` as `X-Real-IP`. Any other byte that no name may have is always refused.
enum class UnderscoresInHeaders { drop, refuse, pass };

struct RequestLimits {
  std::size_t head_bytes = 32 * 1024;  // request line and fields together; over it 431 (414 for the target)
  std::size_t target_bytes = 16 * 1024;
  std::size_t fields = 100;      // number of header fields; over it 431
  std::uint64_t body_bytes = 0;  // 0: unlimited; over it 413
  std::size_t trailer_bytes = 8 * 1024;
  bool operator==(const RequestLimits&) const = default;
};

// How a TCP peer is noticed that vanished without FIN or RST (tcp(7)); both times in whole seconds, as the
// kernel counts them. Has no meaning for a Unix socket. `net::unacknowledged_time` says what follows from it
// for a peer to which bytes are in flight.
struct TcpKeepalive {
  Duration idle{std::chrono::seconds(60)};      // silence before the first probe
  Duration interval{std::chrono::seconds(10)};  // between two probes
  int probes = 6;                               // unanswered ones after which the peer is given up
  bool operator==(const TcpKeepalive&) const = default;
};

// Deadlines towards clients. Zero never occurs: every one is a bound.
struct ClientTimeouts {
  Duration proxy_header{std::chrono::seconds(5)};       // accepted to the end of the PROXY protocol header
  Duration tls_handshake{std::chrono::seconds(10)};     // accepted to the end of the TLS handshake
  Duration request_header{std::chrono::seconds(15)};    // first byte of a head to its end, in total
  Duration request_body{std::chrono::seconds(60)};      // between two reads of a body
  Duration client_keepalive{std::chrono::seconds(75)};  // idle between two requests, and before the first
  Duration write_stall{std::chrono::seconds(60)};       // no progress while bytes wait to be written
  bool operator==(const ClientTimeouts&) const = default;
};

// How slowly a request's body may come. Only the time counts in which the gateway waits for the client.
struct BodyPace {
  std::uint64_t bytes_per_second = 0;         // 0: no minimum; below it 408
  Duration window{std::chrono::seconds(20)};  // over which it is measured
  bool operator==(const BodyPace&) const = default;
};

struct Listener {
  Address address;
  RequestLimits limits;
  ClientTimeouts timeouts;
  TcpKeepalive keepalive;
  BareLineFeed bare_line_feed = BareLineFeed::refuse;
  UnderscoresInHeaders underscores_in_headers = UnderscoresInHeaders::drop;
  int backlog = 4096;
  std::optional<ServerTls> tls;                   // none: clear text
  std::optional<ProxyProtocolIn> proxy_protocol;  // none: no header is expected
  AccessRules access;                             // by the client's address
  BodyPace body_pace;
  std::vector<std::string> limit_names;  // in Config::limits
  bool redirect_to_tls = false;          // clear text: every request is answered with a 308 to https
  // The IPv6 half of a listener written as `:80`: where the kernel has no IPv6 it is passed over in silence.
  bool optional_family = false;
  Place place;
  bool operator==(const Listener&) const = default;
};

// === routes ===

enum class PathKind { prefix, exact, regex };

// A path condition. Matching is done on the decoded path without query (see `http::Target`). A prefix matches
// whole segments: `/app` matches `/app` and `/app/x`, never `/apple`; `/` matches everything.
struct PathMatch {
  PathKind kind = PathKind::prefix;
  std::string value = "/";
  bool operator==(const PathMatch&) const = default;
};

// One header rule, applied in the order written. `value` is a template (see `template.hpp`).
enum class HeaderOperation { set, add, remove };
struct HeaderRule {
  HeaderOperation operation = HeaderOperation::set;
  std::string name;
  std::string value;
  bool operator==(const HeaderRule&) const = default;
};

// What becomes of the Host field towards the upstream.
enum class HostPolicy { preserve, upstream, replace };

// Which `Upgrade` protocols a route lets through. `websocket` is checked strictly (RFC 6455 4.2.1); any other
// named protocol is passed as it is; what is not named is stripped and the request is served as plain HTTP.
struct UpgradePolicy {
  bool websocket = true;
  bool any = false;
  std::vector<std::string> others;
  bool operator==(const UpgradePolicy&) const = default;
};

struct ProxyAction {
  std::string upstream;
  // Replaces the matched prefix of the path: "" strips it, nullopt leaves the path as received.
  std::optional<std::string> replace_prefix;
  HostPolicy host = HostPolicy::preserve;
  std::string host_value;  // for HostPolicy::replace; a template
  UpgradePolicy upgrade;
  std::optional<std::uint64_t> body_bytes;  // overrides the listener's limit
  std::vector<HeaderRule> request_headers;
  std::optional<OriginPolicy> origins;  // of WebSocket handshakes; none: any
  WebSocketPolicy websocket;
  bool operator==(const ProxyAction&) const = default;
};

struct RedirectAction {
  int status = 308;
  std::string location;  // a template
  bool operator==(const RedirectAction&) const = default;
};

struct RespondAction {
  int status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  bool operator==(const RespondAction&) const = default;
};

using Action = std::variant<ProxyAction, RedirectAction, RespondAction>;

// Routes of one listener are tried by host (exact, then the longest wildcard, then routes without hosts) and
// within a host by path: exact, then regex in file order, then the longest prefix.
struct Route {
  std::string name;                    // for logs and metrics; default: host and path as written
  std::vector<std::string> listeners;  // addresses as written; empty: all listeners
  std::vector<std::string> hosts;      // lower case, exact or `*.suffix`; empty: any host
  PathMatch path;
  Action action;
  AccessRules access;                   // by the client's address
  std::optional<BasicAuth> basic_auth;  // none: no password is asked for
  std::vector<HeaderRule> response_headers;
  std::vector<std::string> limit_names;  // in Config::limits
  Place place;
  bool operator==(const Route&) const = default;
};

// === upstreams ===

enum class Balance { round_robin, least_connections, random_two, hash, sticky };
enum class HashKey { client_address, header, cookie, path };

struct BalancePolicy {
  Balance kind = Balance::round_robin;
  HashKey hash_key = HashKey::client_address;  // for Balance::hash
  std::string hash_name;                       // header or cookie name for those keys
  std::string sticky_cookie = "tidegate";      // for Balance::sticky
  bool sticky_secure = false;                  // adds `Secure` to the cookie
  bool operator==(const BalancePolicy&) const = default;
};

struct Endpoint {
  Address address;
  int weight = 1;    // 1..1000; 0 is refused: remove the endpoint instead
  std::string name;  // identity in sticky cookies and metrics; default: the address
  Place place;
  bool operator==(const Endpoint&) const = default;
};

// What becomes of a WebSocket handshake that could not wait, or waited in vain.
enum class Overflow {
  status,  // 503
  close,   // 101, then Close 1013: browsers show scripts a Close and no status
};

struct HoldPolicy {
  bool enabled = true;
  Duration max_wait{std::chrono::seconds(10)};
  std::size_t max_waiting = 10'000;
  int release_per_second = 1'000;  // pace of admission once an endpoint is ready again
  Overflow overflow = Overflow::status;
  bool operator==(const HoldPolicy&) const = default;
};

// Outcomes of a try that another try may follow (RFC 9110 9.2.2).
struct RetryOn {
  bool connect = true;  // any failure before a byte was sent, refused and timeout while connecting included
  bool refused = true;
  bool reset = true;  // reset or EOF before a byte of the answer
  bool timeout = true;
  bool status_502 = false;
  bool status_503 = false;
  bool status_504 = false;
  bool operator==(const RetryOn&) const = default;
};

struct RetryPolicy {
  bool enabled = true;
  int tries = 0;                             // 0: bounded by `total` and the budget only
  int lost_tries = 5;                        // that ended without an answer after the request was sent
  Duration total{std::chrono::seconds(10)};  // deadline over all tries and waits of one request
  Duration back_off{20};                     // before the same single address is tried anew; doubles to 16x
  int budget_percent = 20;                   // retries in flight as a share of active requests
  int budget_minimum = 10;                   // retries that are always allowed
  RetryOn requests;                          // ordinary requests that may be repeated
  RetryOn upgrades{true, true, true, true, true, true, true};
  bool operator==(const RetryPolicy&) const = default;
};

// Deadlines towards an upstream.
struct UpstreamTimeouts {
  Duration connect{std::chrono::seconds(5)};           // TCP connect and TLS handshake
  Duration response_header{std::chrono::seconds(60)};  // request sent to end of the final head, or the 101
  Duration response_idle{std::chrono::seconds(60)};    // between two reads of a body
  Duration write_stall{std::chrono::seconds(60)};
  Duration pool_idle{std::chrono::seconds(4)};     // below Node's 5 s keepAliveTimeout
  Duration websocket_idle{std::chrono::hours(1)};  // both directions silent
  Duration websocket_lifetime{0};                  // 0: unlimited
  Duration fin{std::chrono::seconds(10)};          // reverse direction after a half-close
  bool operator==(const UpstreamTimeouts&) const = default;
};

struct Upstream {
  std::string name;
  std::vector<Endpoint> endpoints;  // empty where `discovery` tells them
  DiscoverySource discovery;
  // How long what a source said last stays in force while it cannot be asked; after that nothing new goes
  // there. 0: for ever.
  Duration keep_endpoints{std::chrono::hours(24)};
  // One address that stands for many pods (a Kubernetes Service): connection outcomes never take it out and
  // retries go to it anew.
  bool virtual_address = false;
  BalancePolicy balance;
  std::optional<Probe> probe;  // of readiness
  // Where one of these fails nothing is taken out, but no new WebSockets go there.
  std::optional<Probe> new_socket_probe;
  std::optional<Probe> websocket_probe;
  int max_connections = 0;  // per endpoint, over all workers; 0: unlimited
  Duration slow_start{0};   // ramp of a newly ready endpoint's share; 0: none
  // Idle connections kept per endpoint and worker. `timeouts.poolIdle` ends those that are not needed; a
  // bound below the requests that a worker has under way makes every further one pay for a connect.
  std::size_t pool_size = 256;
  HoldPolicy hold;
  std::uint32_t handshakes_per_second = 0;  // upgrades, over all endpoints and workers; 0: as they come
  RetryPolicy retry;
  UpstreamTimeouts timeouts;
  TcpKeepalive keepalive;
  DrainPolicy drain;
  RebalancePolicy rebalance;
  CloseWordsByCause closes;
  std::optional<UpstreamTls> tls;                           // none: clear text
  ProxyProtocolOut proxy_protocol = ProxyProtocolOut::off;  // a connection with its header serves one request
  // IP addresses of this machine to connect from, in turn; empty: the kernel chooses.
  std::vector<std::string> source_addresses;
  Place place;
  bool operator==(const Upstream&) const = default;
};

// === process ===

enum class AccessFormat { combined, main, json };

struct AccessLog {
  bool enabled = true;
  std::string path = "stdout";  // a file, `stdout` or `stderr`
  AccessFormat format = AccessFormat::main;
  bool operator==(const AccessLog&) const = default;
};

enum class LogLevel { debug, info, warn, error };

struct ErrorLog {
  std::string path = "stderr";
  LogLevel level = LogLevel::info;
  bool operator==(const ErrorLog&) const = default;
};

struct Shutdown {
  Duration delay{std::chrono::seconds(0)};      // goes on accepting after SIGTERM, with /ready at 503
  Duration window{std::chrono::seconds(20)};    // over which WebSockets are ended, within the deadline
  Duration deadline{std::chrono::seconds(25)};  // then what is left is closed
  bool operator==(const Shutdown&) const = default;
};

// Where commands that change something are taken (`tidegate reload`, `drain`, ...): a Unix socket of mode
// 0600.
enum class CommandSocket {
  standard,  // at its standard place, if that can be had (see `gateway/cli/command_socket.hpp`)
  at_path,
  off,
};

struct Admin {
  bool enabled = true;
  Address address{"127.0.0.1", 9901, {}};
  CommandSocket socket = CommandSocket::standard;
  std::string socket_path;  // for CommandSocket::at_path
  bool operator==(const Admin&) const = default;
};

// Finds where the value at a path (`listeners[0].tls.key`) is written; nothing if it is not.
using Locator = std::function<std::optional<Place>(std::string_view path)>;

struct Config {
  std::vector<Listener> listeners;
  std::vector<Route> routes;
  std::vector<Upstream> upstreams;
  std::vector<ClientLimit> limits;
  Resolver resolver;
  Admin admin;
  AccessLog access_log;
  ErrorLog error_log;
  Shutdown shutdown;
  bool watch = false;                       // a change of the file is a reload
  int workers = 0;                          // 0: one per usable core
  std::size_t connections_per_worker = 0;   // 0: what the descriptor limit allows
  std::uint64_t buffer_memory = 0;          // of all workers; 0: half of what the process may use
  std::uint32_t handshakes_per_second = 0;  // of all upstreams together; 0: as they come
  std::string acme_challenges;  // the folder that an ACME client writes its answers to (webroot); empty: none
  std::string state_directory;  // what is to outlive a restart lies there; empty: nothing does
  std::string ticket_keys;      // a file of TLS ticket keys that replicas share; empty: own, rotated
  std::vector<std::string> trusted_proxies;  // networks whose X-Forwarded-* is believed (CIDR, or `unix:`)
  ClientAddressFrom client_address = ClientAddressFrom::x_forwarded_for;  // what of theirs names the client
  // In the file this was read from, for what is found out about values later on; empty: made by code.
  Locator locate;

  // Where the value at `path` is written, or else `otherwise`.
  [[nodiscard]] Place place_of(std::string_view path, const Place& otherwise = {}) const;
  [[nodiscard]] bool is_written(std::string_view path) const { return locate && locate(path); }
};

}  // namespace tidegate::conf
