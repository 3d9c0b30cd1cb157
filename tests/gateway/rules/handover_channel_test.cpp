#include <array>
#include <thread>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/handover/channel.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;
using namespace std::chrono_literals;
namespace net = tidegate::net;

namespace {

using Clock = HandoverChannel::Clock;

struct Ends {
  HandoverEnds opened = open_handover();
  HandoverChannel ours{std::move(opened.ours)};
  HandoverChannel theirs{std::move(opened.theirs)};
};

std::string fault_of(HandoverChannel& channel, std::chrono::milliseconds patience = 10s) {
  try {
    (void)channel.receive(Clock::now() + patience);
  } catch (const HandoverFault& fault) {
    return fault.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a message comes whole, however long, and behind another") {
  Ends ends;
  const std::string text(3'000'001, 'x');
  std::jthread sender([&] {
    ends.ours.send(HandoverKind::tunnels, text, Clock::now() + 10s);
    ends.ours.send(HandoverKind::commit, {}, Clock::now() + 10s);
  });
  CHECK(ends.theirs.receive(Clock::now() + 10s).bytes == text);
  const auto second = ends.theirs.expect(HandoverKind::commit, Clock::now() + 10s);
  CHECK(second.bytes.empty());
}

TEST_CASE("more descriptors than one packet takes come in their order, closed on exec") {
  Ends ends;
  std::array<int, 2> pipe{};
  REQUIRE(::pipe2(pipe.data(), O_CLOEXEC) == 0);
  const net::UniqueFd reading(pipe[0]);
  const net::UniqueFd writing(pipe[1]);
  std::vector<int> sent(600, reading.get());
  sent.back() = writing.get();
  std::jthread sender([&] { ends.ours.send(HandoverKind::tunnels, "two", sent, Clock::now() + 10s); });
  const auto message = ends.theirs.receive(Clock::now() + 10s);
  REQUIRE(message.descriptors.size() == 600);
  CHECK(message.bytes == "two");
  CHECK(::fcntl(message.descriptors.front().get(), F_GETFD) == FD_CLOEXEC);
  CHECK(::write(message.descriptors.back().get(), "!", 1) == 1);
  char byte = 0;
  CHECK(::read(message.descriptors.front().get(), &byte, 1) == 1);
  CHECK(byte == '!');
}

TEST_CASE("the end of the other side, silence and nonsense are faults") {
  {
    Ends ends;
    ends.ours = HandoverChannel(net::UniqueFd());
    CHECK(fault_of(ends.theirs) == "the other process has ended");
  }
  {
    Ends ends;
    CHECK(fault_of(ends.theirs, 20ms) == "the other process was not heard of in time");
  }
  {
    Ends ends;
    REQUIRE(::send(ends.ours.descriptor(), "nonsense", 8, 0) == 8);
    CHECK(fault_of(ends.theirs) == "the other process does not speak as a gateway does");
  }
  {
    Ends ends;
    ends.ours.send(HandoverKind::failed, "no room", Clock::now() + 10s);
    CHECK_THROWS_WITH(ends.theirs.expect(HandoverKind::ready, Clock::now() + 10s), "no room");
  }
  {
    Ends ends;
    ends.ours.send(HandoverKind::hello, {}, Clock::now() + 10s);
    CHECK_THROWS_AS(ends.theirs.expect(HandoverKind::ready, Clock::now() + 10s), HandoverFault);
  }
}

TEST_CASE("who waits can be stopped") {
  Ends ends;
  std::atomic<bool> stopping{false};
  ends.theirs.stop_with(&stopping);
  std::jthread waiting([&] { CHECK(fault_of(ends.theirs, 60s) == "this process is ending"); });
  stopping = true;
}
