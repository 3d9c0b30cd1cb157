// By which Close frames a pod is found to leave, as tables of what it sends and when.
#include "health/leave_signal.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::health;
using namespace std::chrono_literals;

namespace {

constexpr LeaveSignal::TimePoint kBegin = LeaveSignal::TimePoint() + 1000h;

struct Sent {
  std::chrono::milliseconds at;
  std::uint64_t client;
  bool newcomer = false;
};

struct Course {
  std::string name;
  std::vector<Sent> closes;
  std::optional<LeaveSign> last;  // what the last of them comes to; those before it come to nothing
};

const std::vector<Course> kCourses{
    {"one client", {{0ms, 1}}, {}},
    {"one client over and over", {{0ms, 1}, {10ms, 1}, {20ms, 1}, {30ms, 1}, {40ms, 1}}, {}},
    {"two clients at once", {{0ms, 1}, {0ms, 2}}, LeaveSign::clients},
    {"two clients within the second", {{0ms, 1}, {1000ms, 2}}, LeaveSign::clients},
    {"two clients, a second and more apart", {{0ms, 1}, {1001ms, 2}}, {}},
    {"a trickle of clients", {{0ms, 1}, {1100ms, 2}, {2200ms, 3}, {3300ms, 4}}, {}},
    {"the last Close of the first one counts", {{0ms, 1}, {900ms, 1}, {1800ms, 2}}, LeaveSign::clients},
    {"clients whom nobody knows", {{0ms, 0}, {1ms, 0}, {2ms, 0}, {3ms, 0}}, {}},
    {"and one that is known", {{0ms, 0}, {1ms, 1}, {2ms, 0}}, {}},
    {"two newcomers of one client", {{0ms, 1, true}, {1ms, 1, true}}, {}},
    {"three newcomers of one client", {{0ms, 1, true}, {1ms, 1, true}, {2ms, 1, true}}, LeaveSign::newcomers},
    {"three newcomers whom nobody knows",
     {{0ms, 0, true}, {500ms, 0, true}, {1000ms, 0, true}},
     LeaveSign::newcomers},
    {"the first of three is too long ago", {{0ms, 1, true}, {500ms, 1, true}, {1001ms, 1, true}}, {}},
    {"others in between are no newcomers", {{0ms, 1, true}, {1ms, 1}, {2ms, 1}, {3ms, 1, true}}, {}},
    {"two clients are told before three newcomers", {{0ms, 1, true}, {1ms, 2, true}}, LeaveSign::clients},
    {"clocks of threads that differ a little", {{5ms, 1}, {3ms, 2}}, LeaveSign::clients},
};

}  // namespace

TEST_CASE("which Close frames of a pod are a sign that it leaves") {
  for (const auto& course : kCourses) {
    CAPTURE(course.name);
    LeaveSignal signal;
    for (std::size_t i = 0; i < course.closes.size(); ++i) {
      CAPTURE(i);
      const auto& sent = course.closes[i];
      const auto sign = signal.count({4200, sent.client, sent.newcomer}, kBegin + sent.at);
      const bool last = i + 1 == course.closes.size();
      CHECK(sign == (last ? course.last : std::nullopt));
    }
  }
}

TEST_CASE("after a sign the count begins anew") {
  LeaveSignal signal;
  CHECK_FALSE(signal.count({4200, 1, false}, kBegin));
  CHECK(signal.count({4200, 2, false}, kBegin) == LeaveSign::clients);
  CHECK_FALSE(signal.count({4200, 3, false}, kBegin));
  CHECK(signal.count({4200, 4, false}, kBegin) == LeaveSign::clients);
}

TEST_CASE("what is over a second ago is remembered no longer than wanted") {
  LeaveSignal signal;
  CHECK(signal.is_over(kBegin));
  (void)signal.count({4200, 1, false}, kBegin);
  CHECK_FALSE(signal.is_over(kBegin + 1s));
  CHECK(signal.is_over(kBegin + 1001ms));
  (void)signal.count({4200, 0, true}, kBegin + 2s);
  CHECK_FALSE(signal.is_over(kBegin + 3s));
  CHECK(signal.is_over(kBegin + 3001ms));
}

TEST_CASE("close codes that speak of the pod's leaving, and those that may be about one client") {
  for (const int code : {1012, 1013, 4200, 4201, 4202, 4203, 4250, 4299}) {
    CAPTURE(code);
    CHECK(speaks_of_leaving(static_cast<std::uint16_t>(code)));
  }
  for (const int code :
       {0, 1000, 1001, 1002, 1005, 1006, 1008, 1009, 1011, 1014, 3000, 4000, 4100, 4199, 4300}) {
    CAPTURE(code);
    CHECK_FALSE(speaks_of_leaving(static_cast<std::uint16_t>(code)));
  }
}

TEST_CASE("what is said to silent clients counts where a client had no time to be silent") {
  for (const std::uint16_t code : {std::uint16_t{4201}, std::uint16_t{4202}}) {
    CAPTURE(code);
    LeaveSignal old;
    CHECK_FALSE(old.count({code, 1, false}, kBegin));
    CHECK_FALSE(old.count({code, 2, false}, kBegin));
    CHECK(old.is_over(kBegin));
    LeaveSignal fresh;
    CHECK_FALSE(fresh.count({code, 1, true}, kBegin));
    CHECK(fresh.count({code, 2, true}, kBegin) == LeaveSign::clients);
  }
}

TEST_CASE("the cause names the evidence") {
  CHECK(describe(LeaveSign::clients, 4200) == "sent Close 4200 to 2 clients within 1 s");
  CHECK(describe(LeaveSign::newcomers, 1012) == "sent Close 1012 to 3 new WebSockets within 1 s");
}

TEST_CASE("answers that two clients lose are a sign, unless somebody was answered meanwhile") {
  const auto before = kBegin - 1s;
  LeaveSignal signal;
  CHECK_FALSE(signal.count_loss(1, before, kBegin));
  CHECK_FALSE(signal.count_loss(1, before, kBegin + 10ms));
  CHECK_FALSE(signal.count_loss(0, before, kBegin + 20ms));
  CHECK_FALSE(signal.is_over(kBegin + 1s));
  CHECK_FALSE(signal.count_loss(2, kBegin + 30ms, kBegin + 40ms));  // answered
  CHECK_FALSE(signal.count_loss(1, before, kBegin + 1041ms));       // too late
  CHECK(signal.count_loss(2, before, kBegin + 2041ms) == LeaveSign::losses);
  CHECK_FALSE(signal.count_loss(1, before, kBegin + 2042ms));  // begins anew
  CHECK(signal.is_over(kBegin + 4s));
  CHECK(describe(LeaveSign::losses) == "closed the connections of 2 clients within 1 s and answered nobody");
}
