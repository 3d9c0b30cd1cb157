// Checks over the tree as any reader might build it.

#include "conf/validate.hpp"

#include "conf/addresses.hpp"
#include "tests/conf/reading.hpp"

using namespace tidegate::conf;

namespace {

Config good() {
  return config_of(
      "listeners: [\"0.0.0.0:80\", \"0.0.0.0:81\"]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\n");
}

Route route(std::vector<std::string> hosts, PathMatch path, std::vector<std::string> listeners = {}) {
  Route out;
  out.hosts = std::move(hosts);
  out.path = std::move(path);
  out.listeners = std::move(listeners);
  out.action = RespondAction{};
  return out;
}

std::string faults_of(const Config& config) {
  std::string out;
  for (const auto& error : validate(config)) out += error.text() + "\n";
  return out;
}

// What is said about two routes.
std::string faults_of(Route first, Route second) {
  Config config = good();
  config.routes = {std::move(first), std::move(second)};
  return faults_of(config);
}

bool unreachable(Route first, Route second) {
  return faults_of(std::move(first), std::move(second)).find("is never reached") != std::string::npos;
}

}  // namespace

TEST_CASE("a good configuration has no faults") {
  CHECK(faults_of(good()).empty());
}

TEST_CASE("a route after an equal one is never reached") {
  const PathMatch root;
  const PathMatch exact{PathKind::exact, "/"};
  CHECK(unreachable(route({}, root), route({}, root)));
  CHECK(unreachable(route({"a"}, root), route({"b", "a"}, root)));
  CHECK(unreachable(route({}, root), route({}, root, {"0.0.0.0:80"})));
  CHECK(unreachable(route({}, root, {"0.0.0.0:81", "0.0.0.0:80"}), route({}, root, {"0.0.0.0:80"})));
  CHECK(unreachable(route({}, {PathKind::regex, "a"}), route({}, {PathKind::regex, "a"})));
  // On the other listeners it is reached.
  CHECK(!unreachable(route({}, root, {"0.0.0.0:80"}), route({}, root)));
  CHECK(!unreachable(route({}, root, {"0.0.0.0:80"}), route({}, root, {"0.0.0.0:81", "0.0.0.0:80"})));
  CHECK(!unreachable(route({}, root), route({}, exact)));
  CHECK(!unreachable(route({"a"}, root), route({}, root)));
  CHECK(!unreachable(route({"a"}, root), route({"*.a"}, root)));
  CHECK(!unreachable(route({}, root, {"0.0.0.0:80"}), route({}, root, {"0.0.0.0:81"})));
  CHECK(!unreachable(route({}, root), route({}, {PathKind::prefix, "/a"})));
}

TEST_CASE("an unreachable route is named with the one before it") {
  CHECK(errors_of("listeners: [\":80\"]\nroutes:\n  - {respond: {}}\n  - {respond: {}}\n") ==
        "t.yaml:4:5: routes[1]: `/` is never reached: routes[0] (line 3) has the same host and path and "
        "comes first; "
        "remove or change one of the two\n");
}

TEST_CASE("values that no YAML can carry are checked too") {
  Config config = good();
  SECTION("deadlines") {
    config.upstreams[0].timeouts.connect = Duration::zero();
    CHECK(faults_of(config).find("upstreams.app.timeouts.connect: must be longer than 0") !=
          std::string::npos);
  }
  SECTION("weights") {
    config.upstreams[0].endpoints[0].weight = 0;
    CHECK(faults_of(config).find("upstreams.app.endpoints[0].weight: must be from 1 to 1000") !=
          std::string::npos);
  }
  SECTION("names of upstreams") {
    config.upstreams.push_back(config.upstreams[0]);
    CHECK(faults_of(config).find("this name is given to two upstreams") != std::string::npos);
  }
  SECTION("networks") {
    config.trusted_proxies = {"10.0.0.1/8"};
    CHECK(faults_of(config).find("trustedProxies[0]: ") == 0);
  }
  SECTION("probes") {
    config.upstreams[0].probe.emplace().period = std::chrono::seconds(0);
    CHECK(faults_of(config).find("readinessProbe.periodSeconds: must be longer than 0") != std::string::npos);
  }
}

TEST_CASE("keepalive is in whole seconds and within what the kernel takes") {
  struct Row {
    const char* written;
    const char* fault;  // nullptr: none
  };
  const Row rows[] = {
      {"{idle: 1s, interval: 1s, probes: 1}", nullptr},
      {"{idle: 32767s, interval: 32767s, probes: 127}", nullptr},
      {"{idle: 9h6m7s}", nullptr},
      {"{idle: 32768s}", ".tcpKeepalive.idle: "},
      {"{interval: 10h}", ".tcpKeepalive.interval: "},
      {"{idle: 0s}", ".tcpKeepalive.idle: "},
      {"{idle: 500ms}", ".tcpKeepalive.idle: "},
      {"{interval: 1500ms}", ".tcpKeepalive.interval: must be whole seconds"},
      {"{probes: 0}", ".tcpKeepalive.probes: "},
      {"{probes: 128}", ".tcpKeepalive.probes: "},
  };
  for (const auto& row : rows) {
    CAPTURE(row.written);
    const std::string keepalive = std::string("tcpKeepalive: ") + row.written;
    const auto on_listener = errors_of("listeners: [{address: \":80\", " + keepalive +
                                       "}]\nupstreams: {app: {endpoints: [\"10.0.0.1:1\"]}}\n");
    const auto on_upstream = errors_of(
        "listeners: [\":80\"]\nupstreams: {app: {endpoints: "
        "[\"10.0.0.1:1\"], " +
        keepalive + "}}\n");
    CAPTURE(on_listener, on_upstream);
    if (row.fault == nullptr) {
      CHECK((on_listener + on_upstream).empty());
    } else {
      CHECK(on_listener.find("listeners[0]" + std::string(row.fault)) != std::string::npos);
      CHECK(on_upstream.find("upstreams.app" + std::string(row.fault)) != std::string::npos);
    }
  }
}

TEST_CASE("codes of Close frames") {
  const auto good_code = [](std::uint16_t code) {
    Config config = good();
    config.upstreams[0].closes.of(CloseCause::lost).code = code;
    return faults_of(config).empty();
  };
  for (const int code : {1000, 1001, 1003, 1007, 1012, 1013, 1014, 3000, 4000, 4200, 4999}) {
    CAPTURE(code);
    CHECK(good_code(static_cast<std::uint16_t>(code)));
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000}) {
    CAPTURE(code);
    CHECK(!good_code(static_cast<std::uint16_t>(code)));
  }
}

TEST_CASE("a probe's port is no use to a Unix socket") {
  CHECK(errors_of("listeners: [\":80\"]\nupstreams:\n  a:\n    endpoints: [\"unix:/a\"]\n"
                  "    readinessProbe: {httpGet: {port: 80}}\n")
            .find("t.yaml:5:38: upstreams.a.readinessProbe.httpGet.port: a Unix socket has no port") == 0);
}

TEST_CASE("listeners with port 0 are different each time") {
  CHECK(errors_of("listeners: [\"127.0.0.1:0\", \"127.0.0.1:0\"]\nadmin: {address: \"127.0.0.1:0\"}\n"
                  "upstreams: {a: {endpoints: [\"h:1\"]}}\n")
            .empty());
}

TEST_CASE("addresses that nobody can listen on side by side") {
  const auto tell = [](const char* a, const char* b) {
    return overlaps(parse_listen_address(a)->front(), parse_listen_address(b)->front());
  };
  CHECK(tell("0.0.0.0:80", "127.0.0.1:80"));
  CHECK(tell("127.0.0.1:80", "0.0.0.0:80"));
  CHECK(tell("[::]:80", "[::1]:80"));
  CHECK_FALSE(tell("[::]:80", "127.0.0.1:80"));  // listeners of IPv6 leave IPv4 alone
  CHECK_FALSE(tell("0.0.0.0:80", "127.0.0.1:81"));
  CHECK_FALSE(tell("10.0.0.1:80", "127.0.0.1:80"));
  CHECK_FALSE(tell("0.0.0.0:0", "127.0.0.1:0"));
  CHECK_FALSE(tell("unix:/a", "0.0.0.0:80"));
}

TEST_CASE("where a value is written can be asked afterwards") {
  const Config config = config_of(
      "listeners: ['127.0.0.1:80']\nupstreams:\n  a: { endpoints: ['127.0.0.1:1'], sourceAddresses: "
      "[127.0.0.2] }\n");
  const auto place = config.place_of("upstreams.a.sourceAddresses[0]");
  CHECK(place.file == "t.yaml");
  CHECK(place.line == 3);
  CHECK(place.column == 54);
  CHECK_FALSE(config.is_written("upstreams.a.sourceAddresses[1]"));
  CHECK(config.place_of("tlsTicketKeys", {"u.yaml", 7, 1}).line == 7);
  CHECK(Config{}.place_of("listeners").line == 0);
}

TEST_CASE("routes are missing") {
  CHECK(errors_of("listeners: [\":80\"]\n").find("there is nothing to serve") != std::string::npos);
  CHECK(errors_of("listeners: [\":80\"]\nupstreams: {a: {endpoints: [\"h:1\"]}, b: {endpoints: [\"h:2\"]}}\n")
            .find("routes: there is no route: write which requests go to which upstream") !=
        std::string::npos);
  CHECK(errors_of("listeners: [\":80\"]\nroutes: []\nupstreams: {a: {endpoints: [\"h:1\"]}}\n")
            .find("t.yaml:2:9: routes: there is no route: leave `routes` out") == 0);
}
