// A whole gateway between a client and a pod that both do what the input says (script.hpp); behind a first
// byte 0x1d it speaks of a client that came by a balancer (PROXY protocol). Whatever they do, a pod reads
// nothing but well-formed requests of the gateway's, a client nothing but well-formed answers, and nothing is
// left behind.
#include <chrono>

#include "gateway/process/networks.hpp"
#include "tests/fuzz/messages.hpp"
#include "tests/fuzz/script.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/gateway_fixture.hpp"
#include "wire/net/proxy_header.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

// Started once; inputs follow each other as clients do.
struct Scene {
  Pod pod;
  test::GatewayFixture gateway{
      "listeners:\n  - address: 127.0.0.1:0\n    requestLimits: { body: 64k }\n"
      "  - address: 127.0.0.1:0\n    proxyProtocol: { from: [127.0.0.0/8] }\n"
      "routes:\n  - { path: /fixed, respond: { body: fixed } }\n"
      "  - { path: /moved, redirect: { to: 'https://$host$uri' } }\n"
      "  - { path: /tcp, upstream: pods, upgrade: any }\n"
      "  - { path: /sub, upstream: pods, stripPrefix: true }\n"
      "  - { path: /told, upstream: told }\n"
      "  - { path: /own, upstream: pods, origins: self, access: [{ deny: 192.0.2.0/24 }] }\n"
      "  - { path: /, upstream: pods }\n"
      "upstreams:\n  pods:" +
      upstream() + "  told:" + upstream() + "    proxyProtocol: v2\nworkers: 1\n"};

  [[nodiscard]] std::string upstream() const {
    return "\n    endpoints: ['127.0.0.1:" + std::to_string(pod.port()) +
           "']\n    virtual: true\n    hold: off\n    retry: { tries: 2 }\n";
  }
};

Scene& scene() {
  static Scene made;
  return made;
}

// Takes the header of the PROXY protocol off the front of what a pod received, if the gateway wrote one.
void take_introduction(std::string_view& received) {
  if (!received.starts_with('\r')) return;
  net::ProxyHeader header;
  auto error = net::ProxyHeaderError::none;
  const auto progress = net::parse_proxy_header(received, header, error);
  require(progress != net::ProxyHeaderProgress::failed, "a pod is told well-formed addresses");
  received.remove_prefix(progress == net::ProxyHeaderProgress::partial ? received.size() : header.size);
}

// What a pod received on one connection; `sent` is what it said. `client`: whom the requests are of; empty:
// whom a balancer has named.
void check_requests(std::string_view rest, const std::string& sent, std::string_view client) {
  take_introduction(rest);
  while (!rest.empty()) {
    http::HeadParser parser(http::HeadLimits{.head_bytes = 1 << 20, .target_bytes = 1 << 20, .fields = 1000});
    http::RequestHead head;
    const auto progress = parser.parse_request(rest, head);
    if (progress == http::Progress::incomplete) return;
    require(progress == http::Progress::complete, "a pod receives heads");
    require(head.version == http::Version::http_1_1, "in HTTP/1.1");
    require(head.fields.count("x-forwarded-for") == 1, "written by the gateway");
    const auto named = *head.fields.find("x-forwarded-for");
    const bool introduced = client.empty() && (named == "unix:" || gateway::Networks::is_address(named));
    require(introduced || named == client, "that names the client");
    const auto framing = http::request_framing(head);
    require(framing.has_value(), "with a framing");
    const auto body = read_body(rest.substr(head.size), *framing);
    if (!body.whole) return;
    const auto size = head.size + body.consumed;
    require(careless_size(rest.substr(0, size), false) == size, "that a careless pod reads alike");
    rest.remove_prefix(size);
    // A pod that has switched reads what is no HTTP any more.
    if (head.fields.count("upgrade") > 0 && sent.find("101") != std::string::npos) return;
  }
}

bool contains_ignoring_case(std::string_view text, std::string_view word) {
  for (std::size_t i = 0; i + word.size() <= text.size(); ++i) {
    if (http::equals_ignoring_case(text.substr(i, word.size()), word)) return true;
  }
  return false;
}

// What the client received. Answers to HEAD cannot be told from others here.
void check_answers(const std::string& received, const std::string& sent) {
  if (sent.find("HEAD") != std::string::npos) return;
  std::string_view rest = received;
  while (!rest.empty()) {
    http::HeadParser parser(http::HeadLimits{1 << 20, 0, 2000, false});
    http::ResponseHead head;
    const auto progress = parser.parse_response(rest, head);
    if (progress == http::Progress::incomplete) return;
    require(progress == http::Progress::complete, "a client receives heads");
    if (head.status == 101) {
      require(contains_ignoring_case(sent, "upgrade"), "nothing is switched unasked");
      return;
    }
    const auto framing = http::response_framing(head, false);
    require(framing.has_value(), "with a framing");
    const auto body = read_body(rest.substr(head.size), *framing);
    if (!body.whole) return;
    rest.remove_prefix(head.size + body.consumed);
  }
}

void take(const Step& step, End& client, Pod& pod) {
  auto* const of_pod = pod.newest();
  switch (step.what) {
    case 'c': return client.send(step.bytes);
    case 'C': return client.half_close();
    case 'R': return client.reset();
    case 'p': return of_pod != nullptr ? of_pod->send(step.bytes) : void();
    case 'P': return of_pod != nullptr ? of_pod->close() : void();
    default: return of_pod != nullptr ? of_pod->reset() : void();
  }
}

bool is_empty(const test::GatewayFixture& gateway, int lowest) {
  const auto open = gateway.workers([](const auto& counters) {
    return static_cast<std::uint64_t>(counters.connections_idle.value() +
                                      counters.connections_active.value());
  });
  const auto count = [](const auto& counters) {
    return static_cast<std::uint64_t>(counters.tunnels.value());
  };
  const auto tunnels = gateway.upstream("pods", count) + gateway.upstream("told", count);
  return open == 0 && tunnels == 0 && gateway.buffer_bytes() == 0 && lowest_free_descriptor() == lowest;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto& [pod, gateway] = scene();
  const int lowest = lowest_free_descriptor();
  auto input = text_of(data, size);
  const bool introduced = input.starts_with('\x1d');
  if (introduced) input.remove_prefix(1);
  auto client = connect_to(gateway.port(introduced ? 1 : 0));
  for (const auto& step : steps_of(input)) {
    take(step, client, pod);
    // Twice: a connect is seen to have succeeded one turn after it was begun.
    gateway.settle();
    gateway.settle();
    pod.look();
    client.read();
  }
  for (const auto& end : pod.ends())
    check_requests(end.received(), end.sent(), introduced ? "" : "127.0.0.1");
  check_answers(client.received(), client.sent());
  client.close();
  pod.forget_all();
  require(test::holds_within(test::kPatience,
                             [&, &held = pod, &host = gateway] {
                               held.look();
                               held.forget_all();
                               return is_empty(host, lowest);
                             }),
          "nothing is left behind");
  return 0;
}
