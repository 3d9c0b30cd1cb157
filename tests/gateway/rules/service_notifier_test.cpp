// What a service manager hears, on a datagram socket like systemd's.
#include "gateway/process/service_notifier.hpp"

#include <ctime>
#include <string>

#include <fcntl.h>
#include <spdlog/logger.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/catch.hpp"
#include "tests/support/notify_socket.hpp"
#include "tests/support/patience.hpp"

using namespace tidegate;
using namespace tidegate::test;
using gateway::ServiceNotifier;
using gateway::status_line;

namespace {

struct Scene {
  explicit Scene(const gateway::NotifyTarget& target)
      : notifier(context, target, std::make_shared<spdlog::logger>("none"), [this] { return status; }) {}

  // Lets timers run until the message is there.
  void run_until(const NotifySocket& manager, const std::string& message) {
    wait_until(message, [&] {
      context.restart();
      context.poll();
      return manager.has_heard(message);
    });
  }

  std::string status = "serving";
  boost::asio::io_context context{1};
  ServiceNotifier notifier;
};

std::int64_t now() {
  timespec time{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1'000;
}

}  // namespace

TEST_CASE("a status is one line, not too long, and whole in UTF-8") {
  CHECK(status_line("serving").size() == 7);
  CHECK(status_line("a.yaml:1: one\na.yaml:2: two\tand\x1b[0m") == "a.yaml:1: one; a.yaml:2: two and [0m");
  CHECK(status_line(std::string(1024, 'x')) == std::string(1024, 'x'));
  CHECK(status_line(std::string(1025, 'x')) == std::string(1021, 'x') + "...");
  std::string snowmen;
  for (int i = 0; i < 400; ++i) snowmen += "\xe2\x98\x83";
  CHECK(status_line(snowmen) == snowmen.substr(0, 1020) + "...");
  CHECK(status_line("xx" + snowmen) == "xx" + snowmen.substr(0, 1017) + "...");
}

TEST_CASE("without a manager nothing happens") {
  Scene scene({});
  scene.notifier.ready();
  scene.notifier.reloading();
  scene.notifier.stopping();
  scene.notifier.hand_over(1);
  CHECK(scene.context.poll() == 0);
}

TEST_CASE("start, reload and end, at a path and at an abstract name") {
  for (const bool abstract : {false, true}) {
    CAPTURE(abstract);
    const NotifySocket manager(abstract);
    Scene scene({manager.address(), {}});
    scene.notifier.ready();
    CHECK(manager.receive() == "READY=1\nSTATUS=serving");

    const auto before = now();
    scene.notifier.reloading();
    const auto reloading = manager.receive();
    const std::string head = "RELOADING=1\nMONOTONIC_USEC=";
    REQUIRE(reloading.starts_with(head));
    const auto at = std::stoll(reloading.substr(head.size()));
    CHECK(at >= before);
    CHECK(at <= now());
    scene.status = "serving; faults:\na.yaml:1: no";
    scene.notifier.ready();
    CHECK(manager.receive() == "READY=1\nSTATUS=serving; faults:; a.yaml:1: no");

    scene.status = "shutting down";
    scene.notifier.stopping();
    CHECK(manager.receive() == "STOPPING=1\nSTATUS=shutting down");
    // There is no way back: a reload that was in progress must not look like one.
    scene.notifier.reloading();
    scene.notifier.ready();
    scene.notifier.stopping();
    scene.status = "shutting down: 1 left";
    scene.run_until(manager, "STATUS=shutting down: 1 left");
    CHECK(manager.heard().size() == 5);
  }
}

TEST_CASE("a status is told again only when it differs") {
  const NotifySocket manager;
  Scene scene({manager.address(), {}});
  scene.notifier.ready();
  scene.status = "draining: 2 left";
  scene.run_until(manager, "STATUS=draining: 2 left");
  scene.status = "draining: 1 left";
  scene.run_until(manager, "STATUS=draining: 1 left");
  CHECK(manager.heard().size() == 3);
}

TEST_CASE("signs of life come as often as the watchdog wants them, from the start on") {
  const NotifySocket manager;
  Scene scene({manager.address(), std::chrono::milliseconds(30)});
  scene.context.poll();
  CHECK(manager.heard().empty());
  const auto began = std::chrono::steady_clock::now();
  scene.notifier.ready();
  CHECK(manager.receive() == "READY=1\nSTATUS=serving");
  for (int i = 0; i < 5; ++i) {
    manager.forget();
    scene.run_until(manager, "WATCHDOG=1");
  }
  // Three in each period: not more of them, however fast the loop turns.
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(40));
}

TEST_CASE("the successor is named, and nothing is said after that") {
  const NotifySocket manager;
  Scene scene({manager.address(), std::chrono::milliseconds(3)});
  scene.notifier.ready();
  scene.notifier.hand_over(4711);
  scene.notifier.ready();
  scene.notifier.reloading();
  scene.notifier.stopping();
  scene.context.run();  // no timer is left
  CHECK(manager.heard().back() == "MAINPID=4711");
}

TEST_CASE("a manager that does not read for a while hears what matters later, in order") {
  const NotifySocket manager;
  Scene scene({manager.address(), std::chrono::milliseconds(3)});
  const auto fill = manager.fill();
  scene.notifier.ready();
  scene.notifier.reloading();
  scene.notifier.ready();
  for (int i = 0; i < 3; ++i) {
    scene.context.restart();
    scene.context.run_one();  // its queue is full still
  }
  manager.drain(fill);
  scene.run_until(manager, "WATCHDOG=1");
  const auto& heard = manager.heard();
  REQUIRE(heard.size() >= 3);
  CHECK(heard[0] == "READY=1\nSTATUS=serving");
  CHECK(heard[1].starts_with("RELOADING=1\n"));
  CHECK(heard[2] == "READY=1\nSTATUS=serving");
}

TEST_CASE("a manager that is gone does not matter") {
  gateway::NotifyTarget target;
  {
    const NotifySocket gone;
    target.socket = gone.address();
  }
  Scene scene(target);
  scene.notifier.ready();
  scene.notifier.stopping();
  CHECK(scene.context.poll() == 0);
}
