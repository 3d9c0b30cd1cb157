// A program that begins to take over from a gateway and breaks off at a step of it. It is started as the
// gateway's successor by a script: `exec false-successor STEP`, with the channel as descriptor 3.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <unistd.h>

#include "gateway/handover/archive.hpp"
#include "gateway/handover/channel.hpp"
#include "gateway/handover/inventory.hpp"

using namespace tidegate::gateway;

namespace {

// Says the steps one after another; ends before `step`, or, with `hang`, does nothing more from there on.
class Steps {
 public:
  Steps(std::string step, bool hang) : step_(std::move(step)), hang_(hang) {}

  void at(const std::string& step) const {
    if (step != step_) return;
    while (hang_) ::pause();
    ::_exit(7);
  }

 private:
  const std::string step_;
  const bool hang_;
};

void take_over(const Steps& steps, const std::string& step) {
  HandoverChannel channel{tidegate::net::UniqueFd(3)};
  const auto soon = [] { return HandoverChannel::Clock::now() + std::chrono::seconds(20); };
  steps.at("hello");
  const auto format = step == "format" ? handover_format + 1 : handover_format;
  channel.send(HandoverKind::hello, packed(HandoverGreeting{format, "9.9"}), soon());
  steps.at("inventory");
  (void)channel.expect(HandoverKind::inventory, soon());
  steps.at("ready");
  channel.send(HandoverKind::ready, {}, soon());
  steps.at("tunnels");
  const auto message = channel.expect(HandoverKind::tunnels, soon());
  Unpacker bytes(message.bytes);
  TunnelBatch batch;
  bytes(batch);
  steps.at("taken");
  const auto count = step == "count" ? 0 : batch.tunnels.size();
  channel.send(HandoverKind::taken, packed(TakenTunnels{std::vector<std::uint8_t>(count, 1)}), soon());
  steps.at("commit");
  (void)channel.expect(HandoverKind::commit, soon());
  steps.at("committed");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    take_over(Steps(argv[1], argc > 2), argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 9;
}
