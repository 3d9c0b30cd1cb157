#include "upstream/socket_intake.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::upstream;

namespace {

conf::Upstream probed(bool new_socket, bool websocket, bool virtual_address = false) {
  conf::Upstream settings;
  if (new_socket) settings.new_socket_probe.emplace();
  if (websocket) settings.websocket_probe.emplace();
  settings.virtual_address = virtual_address;
  return settings;
}

SocketIntake intake_of(const conf::Upstream& settings, bool holds = false) {
  SocketIntake intake;
  intake.configure(settings, holds);
  return intake;
}

}  // namespace

TEST_CASE("new sockets are taken while every configured probe has passed") {
  struct Row {
    bool new_socket;
    bool websocket;
    Verdict of_new_socket;
    Verdict of_websocket;
    bool open;
    const char* objections;
  };
  const auto unknown = Verdict::unknown;
  const auto pass = Verdict::pass;
  const auto fail = Verdict::fail;
  const Row rows[] = {
      {false, false, unknown, unknown, true, ""},
      {false, false, fail, fail, true, ""},  // a report that comes late
      {true, false, unknown, unknown, false, "newSocketProbe: no answer yet"},
      {true, false, pass, fail, true, ""},
      {true, false, fail, pass, false, "newSocketProbe: HTTP 500"},
      {false, true, pass, fail, false, "webSocketProbe: HTTP 500"},
      {true, true, pass, unknown, false, "webSocketProbe: no answer yet"},
      {true, true, fail, unknown, false, "newSocketProbe: HTTP 500; webSocketProbe: no answer yet"},
      {true, true, pass, pass, true, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.objections, row.new_socket, row.websocket);
    auto intake = intake_of(probed(row.new_socket, row.websocket));
    (void)intake.report(ProbeKind::new_socket, row.of_new_socket, "HTTP 500");
    (void)intake.report(ProbeKind::websocket, row.of_websocket, "HTTP 500");
    CHECK(intake.open() == row.open);
    CHECK(intake.objections() == row.objections);
  }
}

TEST_CASE("what is worth telling: that it opens, that it closes, and each further failure") {
  auto intake = intake_of(probed(true, true));
  CHECK_FALSE(intake.report(ProbeKind::new_socket, Verdict::pass, "HTTP 200"));
  CHECK(intake.report(ProbeKind::websocket, Verdict::pass, "101 and pong"));
  CHECK_FALSE(intake.report(ProbeKind::websocket, Verdict::pass, "101 and pong"));
  CHECK(intake.report(ProbeKind::new_socket, Verdict::fail, "HTTP 500"));
  CHECK(intake.report(ProbeKind::websocket, Verdict::fail, "HTTP 502 instead of 101"));
  CHECK_FALSE(intake.report(ProbeKind::new_socket, Verdict::pass, "HTTP 200"));
  CHECK(intake.report(ProbeKind::websocket, Verdict::pass, "101 and pong"));
}

TEST_CASE("a first verdict that fails is told, though nothing was taken before either") {
  auto intake = intake_of(probed(false, true));
  CHECK(intake.report(ProbeKind::websocket, Verdict::fail, "HTTP 502 instead of 101"));
}

TEST_CASE("a virtual address is always open; its probes are informative") {
  auto intake = intake_of(probed(true, false, true));
  CHECK(intake.open());
  CHECK_FALSE(intake.report(ProbeKind::new_socket, Verdict::fail, "HTTP 500"));
  CHECK(intake.open());
  CHECK(intake.objections() == "newSocketProbe: HTTP 500");
}

TEST_CASE("over a new configuration") {
  auto intake = intake_of(probed(true, false));
  (void)intake.report(ProbeKind::new_socket, Verdict::pass, "HTTP 200");
  SECTION("what was said stays, however the probe was changed") {
    intake.configure(probed(true, false), true);
    CHECK(intake.open());
    (void)intake.report(ProbeKind::new_socket, Verdict::fail, "HTTP 500");
    intake.configure(probed(true, false), false);
    CHECK_FALSE(intake.open());
  }
  SECTION("a further probe takes nothing away before it has spoken") {
    intake.configure(probed(true, true), true);
    CHECK(intake.open());
    CHECK(intake.report(ProbeKind::websocket, Verdict::fail, "refused"));
    CHECK_FALSE(intake.open());
  }
  SECTION("where nothing holds it has to speak first") {
    intake.configure(probed(true, true), false);
    CHECK_FALSE(intake.open());
  }
  SECTION("one that is removed has nothing more to say") {
    (void)intake.report(ProbeKind::new_socket, Verdict::fail, "HTTP 500");
    intake.configure(probed(false, false), false);
    CHECK(intake.open());
    CHECK(intake.objections().empty());
    intake.configure(probed(true, false), false);
    CHECK(intake.objections() == "newSocketProbe: no answer yet");
  }
  SECTION("all are asked anew") {
    intake.forget();
    CHECK_FALSE(intake.open());
  }
}
