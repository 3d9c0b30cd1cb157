// System calls that fail: bytes arrive whole and in order, or it shows that they did not; no descriptor and
// no connection is left behind; and whoever comes next is served. In clear text and under TLS on both sides.
#include "tests/faults/faults.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <tuple>

#include "tests/gateway/tunnel/web_socket.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/tls_client.hpp"
#include "wire/http/chunk_decoder.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// Every place has its own bytes, so that none can stand in for another.
std::string numbered(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  text.resize(size);
  return text;
}

Authority& authority() {
  static Authority made;
  return made;
}
const Issued& issued() {
  static const Issued made = authority().issue();
  return made;
}

// A pod that returns what it gets: bodies, and after a handshake frames.
void echo(RawSocket& pod) {
  while (!pod.at_end()) {
    const auto request = pod.read_request();
    if (!request.has("Upgrade")) {
      pod.send(ok(request.body));
      continue;
    }
    pod.send(switching());
    while (!pod.at_end()) {
      const auto frame = read_frame(pod);
      pod.send(from_pod(frame.payload, frame.opcode));
      if (frame.opcode == Opcode::close) return;
    }
  }
}

std::string configuration(bool tls, const ScriptedBackend& pod) {
  std::string yaml = "listeners:\n  - address: 127.0.0.1:0\n";
  if (tls) yaml += "    tls: { certificate: " + issued().certificate + ", key: " + issued().key + " }\n";
  yaml += "upstreams:\n  pods:\n    endpoints: ['" + pod.address() + "']\n    virtual: true\n";
  if (tls) yaml += "    tls: { ca: " + authority().file() + " }\n";
  return yaml;
}

// What a client may see of a fault.
enum class Outcome { whole, cut, wrong };

struct Faulty {
  explicit Faulty(bool under_tls) : tls(under_tls), client_side(authority()) {
    pod.serve([under_tls](RawSocket& socket) {
      try {
        if (under_tls) socket.secure(server_session(issued()));
        echo(socket);
      } catch (const Unexpected&) {  // the fault was on this side
      }
    });
    gateway.emplace(configuration(tls, pod));
    gateway->run_on_workers(suffer_faults);
  }

  [[nodiscard]] RawClient connect() const {
    auto client = tls ? RawClient(gateway->port(), client_side.session()) : RawClient(gateway->port());
    client.set_patience(std::chrono::seconds(5));
    return client;
  }

  // What came, judged; an exception tells of an end. A wait in vain is none: nothing may hang.
  template <class Talk>
  [[nodiscard]] Outcome judged(Talk&& talk) const {
    try {
      return talk();
    } catch (const Unexpected& end) {
      const bool hangs = std::string_view(end.what()).find("in vain") != std::string_view::npos;
      return hangs ? Outcome::wrong : Outcome::cut;
    }
  }

  [[nodiscard]] Outcome ask(const std::string& body) const {
    return judged([&] {
      auto client = connect();
      (void)client.try_send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
      std::array<char, 20> line{};
      for (auto rest = std::string_view(body); !rest.empty();) {
        const auto run = rest.substr(0, 30'000);
        const std::string_view size(line.data(), http::write_chunk_header(line.data(), run.size()));
        (void)client.try_send(std::string(size).append(run).append("\r\n"));
        rest.remove_prefix(run.size());
      }
      (void)client.try_send("0\r\n\r\n");
      const auto answer = client.read_answer();
      if (answer.status != 200) return answer.status >= 500 ? Outcome::cut : Outcome::wrong;
      return answer.body == body ? Outcome::whole : Outcome::wrong;
    });
  }

  [[nodiscard]] Outcome talk(const std::string& message) const {
    return judged([&] {
      auto client = connect();
      client.send(handshake());
      const auto head = client.read_head();
      if (!head.starts_with("HTTP/1.1 101 "))
        return head.starts_with("HTTP/1.1 5") ? Outcome::cut : Outcome::wrong;
      for (int i = 0; i < 3; ++i) {
        client.send(from_client(message));
        const auto frame = read_frame(client);
        if (frame.opcode == Opcode::close) return Outcome::cut;
        if (frame.payload != message) return Outcome::wrong;
      }
      client.send(close_from_client(1000));
      const auto last = read_frame(client);
      // Its own code, or that of the gateway if the pod's answer was lost.
      return last.payload.starts_with("\x03\xe8") ? Outcome::whole : Outcome::cut;
    });
  }

  void wait_until_empty() const {
    wait_until("all connections to be gone",
               [&] { return gateway_connections(*gateway) == 0 && tunnels(*gateway) == 0; });
    CHECK(gateway->buffer_bytes() == 0);
  }

  bool tls;
  TlsClientSide client_side;
  ScriptedBackend pod;
  std::optional<GatewayFixture> gateway;
};

struct Row {
  Call call;
  std::initializer_list<int> errors;
};

// Lets each call of the kind fail once, the first, the second and so on, until a conversation ends without.
template <class Conversation>
void fail_each(const Faulty& t, const Row& row, Conversation&& conversation) {
  for (const int error : row.errors) {
    int happened = 1;
    for (int nth = 1; happened > 0 && nth <= 60; ++nth) {
      CAPTURE(t.tls, name_of(row.call), error, nth);
      {
        const Faults faults({.call = row.call, .nth = nth, .error = error});
        const auto outcome = conversation();
        happened = Faults::count();
        CHECK(outcome != Outcome::wrong);
        if (error == EINTR || error == EAGAIN) CHECK(outcome == Outcome::whole);
      }
      t.wait_until_empty();
      REQUIRE(conversation() == Outcome::whole);
    }
  }
}

// Runs a test in clear text and under TLS and compares descriptors before and after.
template <class Test>
void on_both(Test&& test) {
  for (const bool tls : {false, true}) {
    (void)Faulty(tls).ask("opens once what stays open");
    const auto before = descriptors();
    test(tls);
    CHECK(descriptors() == before);
  }
}

}  // namespace

TEST_CASE("a storm of short, interrupted and postponed calls loses and mixes up nothing") {
  on_both([](bool tls) {
    const Faulty t(tls);
    const auto body = numbered(300'000);
    for (const unsigned one_in : {4U, 2U}) {
      CAPTURE(tls, one_in);
      const Faults faults({.storm_one_in = one_in});
      CHECK(t.ask(body) == Outcome::whole);
      CHECK(t.talk(numbered(100'000)) == Outcome::whole);
      CHECK(Faults::count() > 20);
    }
    t.wait_until_empty();
  });
}

TEST_CASE("a call that fails once in a request's life: its answer is whole, or seen to be not") {
  const Row rows[] = {
      {Call::recv, {ECONNRESET, ENOBUFS, EINTR, EAGAIN}},
      {Call::send, {ECONNRESET, EPIPE, ENOBUFS, EINTR, EAGAIN}},
      {Call::sendmsg, {ECONNRESET, EPIPE, ENOBUFS, ENOMEM, EINTR, EAGAIN}},
      {Call::accept, {EINTR, ECONNABORTED, EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO}},
      {Call::connect, {ECONNREFUSED, ECONNRESET, ENETUNREACH, EADDRNOTAVAIL, ENOBUFS, EINTR}},
      {Call::socket, {EMFILE, ENFILE, ENOBUFS, ENOMEM}},
      {Call::epoll_wait, {EINTR}},
      {Call::read, {ECONNRESET, EINTR, EAGAIN}},
      {Call::write, {ECONNRESET, EPIPE, ENOBUFS, EINTR, EAGAIN}},
  };
  on_both([&](bool tls) {
    const Faulty t(tls);
    const auto body = numbered(40'000);
    for (const auto& row : rows) fail_each(t, row, [&] { return t.ask(body); });
  });
}

TEST_CASE("a call that fails once in a tunnel's life: its messages are whole, or its end is seen") {
  const Row rows[] = {
      {Call::recv, {ECONNRESET, ENOBUFS, EINTR, EAGAIN}},
      {Call::send, {ECONNRESET, EPIPE, ENOBUFS, EINTR, EAGAIN}},
      {Call::sendmsg, {ECONNRESET, EINTR}},
      {Call::connect, {ECONNREFUSED, EADDRNOTAVAIL}},
      {Call::epoll_wait, {EINTR}},
      {Call::read, {ECONNRESET, EINTR, EAGAIN}},
      {Call::write, {ECONNRESET, ENOBUFS, EINTR, EAGAIN}},
  };
  on_both([&](bool tls) {
    const Faulty t(tls);
    const auto message = numbered(20'000);
    for (const auto& row : rows) fail_each(t, row, [&] { return t.talk(message); });
  });
}

TEST_CASE("what lacks here is not held against the endpoint") {
  ScriptedBackend pod;
  pod.serve(answer_all("here"));
  GatewayFixture gateway(
      in_front_of(pod, {.upstream = "    retry: off\n    hold: off\n    pool: { size: 0 }\n"}));
  gateway.run_on_workers(suffer_faults);
  const std::string port = "The gateway has no port left to connect from";
  const std::string resources = "The gateway cannot open another connection";
  for (const auto& [call, error, why] :
       {std::tuple{Call::socket, EMFILE, resources}, std::tuple{Call::socket, ENOBUFS, resources},
        std::tuple{Call::connect, EADDRNOTAVAIL, port}, std::tuple{Call::connect, ENOBUFS, resources}}) {
    CAPTURE(name_of(call), error);
    RawClient client(gateway.port());
    {
      const Faults faults({.call = call, .nth = 1, .error = error});
      const auto answer = client.get();
      CHECK(answer.status == 503);
      CHECK(answer.field("Proxy-Status").find(why) != std::string::npos);
      CHECK(Faults::count() == 1);
    }
    for (const auto& endpoint : gateway.endpoints()) CHECK(endpoint.state == upstream::EndpointState::ready);
    CHECK(client.get("/next", "Connection: close\r\n").body == "here");
    client.close();
    wait_until("its pooled connection to be gone", [&] { return gateway_connections(gateway) == 0; });
  }
}
