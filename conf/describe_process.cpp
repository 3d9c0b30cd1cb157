#include <array>
#include <limits>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view log_form = "`stdout`, `stderr` or the path of a file";

TakeText log_path(std::string& path) {
  return [&path](const Scalar& scalar) -> std::string {
    const bool stream = scalar.text == "stdout" || scalar.text == "stderr";
    // A bare word is far more often a mistake (`syslog`, `off`) than a file in whatever directory this is
    // started in.
    if (!stream && scalar.text.find('/') == std::string_view::npos) {
      return "expected " + std::string(log_form) + " (with its directory), found " + quote(scalar.text);
    }
    path = scalar.text;
    return {};
  };
}

void describe_command_socket(Fields& fields, Admin& admin) {
  constexpr std::size_t longest = 107;  // what the kernel takes (unix(7))
  Shapes shapes;
  shapes.words = {"off"};
  shapes.take_word = [&admin](std::size_t) { admin.socket = CommandSocket::off; };
  shapes.form = "the path of a Unix socket";
  shapes.take_text = [&admin](const Scalar& scalar) -> std::string {
    if (!scalar.text.starts_with('/'))
      return "expected an absolute path such as `/run/tidegate/admin.sock`, found " + quote(scalar.text);
    if (scalar.text.size() > longest)
      return "the path of a socket has at most " + std::to_string(longest) + " bytes";
    admin.socket = CommandSocket::at_path;
    admin.socket_path = scalar.text;
    return {};
  };
  fields.shaped({"socket",
                 "Unix socket of mode 0600 that takes commands (`tidegate reload`, `drain`, ...). Default: "
                 "/run/tidegate/admin.sock where that directory is there or can be made."},
                shapes, "");
}

void describe_admin(Fields& fields, Config& config) {
  Admin& admin = config.admin;
  describe_switch(
      fields,
      {"admin",
       "The listener for /ready, /live, /metrics and /endpoints, which only reads, and the socket for "
       "commands; keep it private. `off`: neither."},
      admin.enabled, [&admin](Fields& inner) {
        const std::string standard = admin.address.text();
        const auto take = [&admin](const Scalar& scalar) -> std::string {
          const auto addresses = parse_listen_address(scalar.text);
          if (!addresses) return addresses.error().why;
          if (addresses->size() > 1) {
            return "write one address, `127.0.0.1:9901` or `0.0.0.0:9901`, found " + quote(scalar.text);
          }
          admin.address = addresses->front();
          return {};
        };
        inner.text({"address", "Where the admin listener listens."}, standard, take,
                   "an address such as `127.0.0.1:9901`");
        describe_command_socket(inner, admin);
      });
}

void describe_access_log(Fields& fields, AccessLog& log) {
  static constexpr std::array<std::string_view, 3> formats{"combined", "main", "json"};
  Shapes shapes;
  shapes.words = {"off", "on"};
  shapes.take_word = [&log](std::size_t word) { log.enabled = word == 1; };
  shapes.form = log_form;
  shapes.take_text = log_path(log.path);
  shapes.take_object = [&log](Fields& inner) {
    inner.text({"path", "Where to: `stdout`, `stderr` or a file."}, std::string(log.path), log_path(log.path),
               log_form);
    inner.choice({"format", "`combined` and `main` as in nginx, or JSON lines."}, log.format, formats);
  };
  fields.shaped({"access", "One line per request and per WebSocket."}, shapes, log.path);
}

void describe_error_log(Fields& fields, ErrorLog& log) {
  static constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
  fields.object({"error", "What the gateway has to say itself."}, [&log](Fields& inner) {
    inner.text({"path", "Where to: `stdout`, `stderr` or a file."}, std::string(log.path), log_path(log.path),
               log_form);
    inner.choice({"level", "The least severe level that is written."}, log.level, levels);
  });
}

}  // namespace

void describe_process(Fields& fields, Config& config) {
  describe_admin(fields, config);
  describe_resolver(fields, config.resolver);
  fields.object({"log", "Where the logs go."}, [&config](Fields& inner) {
    describe_access_log(inner, config.access_log);
    describe_error_log(inner, config.error_log);
  });
  fields.integer({"handshakesPerSecond",
                  "Upgrades to all upstreams together, as `handshakesPerSecond` of one. 0: as they come."},
                 config.handshakes_per_second, {0, 1'000'000});
  fields.object({"shutdown", "What happens at SIGTERM."}, [&config](Fields& inner) {
    inner.duration({"delay", "Goes on accepting for this long, with /ready at 503."}, config.shutdown.delay,
                   {Duration::zero(), std::chrono::hours(24)});
    inner.duration(
        {"window", "After it WebSockets are ended one by one over this time, within the deadline."},
        config.shutdown.window);
    inner.duration({"deadline", "Then what is left is closed."}, config.shutdown.deadline);
  });
  fields.flag({"watch", "A change of this file is a reload; a faulty one is reported and changes nothing."},
              config.watch);
  fields.integer({"workers", "Threads that serve; 0: one per usable core."}, config.workers, {0, 1024});
  fields.integer({"connectionsPerWorker", "0: what the limit of open files allows."},
                 config.connections_per_worker, {0, 100'000'000});
  fields.size({"bufferMemory",
               "Memory for buffers: beyond it new requests get 503, while those in progress and WebSockets "
               "go on. 0: half of what the process may use."},
              config.buffer_memory, {0, std::numeric_limits<std::int64_t>::max()});
  fields.text(
      {"tlsTicketKeys",
       "File of TLS ticket keys (`openssl rand 80`) that replicas share; default: own ones, rotated."},
      config.ticket_keys, "a file");
  fields.text({"stateDirectory",
               "Where fetched OCSP responses are kept, so that a restart does not lose them while their "
               "responder is down; default: they are not."},
              config.state_directory, "a directory");
  fields.text({"acmeChallenges",
               "Webroot of an ACME client (certbot, lego): answers below `/.well-known/acme-challenge/` come "
               "from there."},
              config.acme_challenges, "a directory");
  describe_networks(fields, {"trustedProxies", "Networks of proxies whose word on the client is believed."},
                    config.trusted_proxies);
  static constexpr std::array<std::string_view, 3> sources{"xForwardedFor", "forwarded", "none"};
  fields.choice({"clientAddress",
                 "Which header of a trusted proxy names the client: X-Forwarded-For, Forwarded (RFC 7239) or "
                 "none. With the first, of several X-Forwarded-Proto, -Host and -Port the last is believed."},
                config.client_address, sources);
}

}  // namespace tidegate::conf
