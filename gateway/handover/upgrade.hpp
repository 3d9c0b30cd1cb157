// The old process's part of an upgrade: another process takes over the listening sockets and the tunnels in
// clear text; this one ends what it has left.
//
// Two phases. First the new process is started and makes itself ready, while nothing changes here. Then every
// worker freezes its tunnels on its own thread, everything is sent, the new process says which of them it has
// a place for, and one `commit` makes them its own: until it has said that it got that, it neither reads,
// writes nor accepts, and whatever fails, the tunnels thaw and this process goes on as if nothing had been.
// Afterwards handshakes that were under way become tunnels here: these follow in further rounds of the same
// kind.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "gateway/handover/inventory.hpp"
#include "gateway/handover/successor.hpp"
#include "gateway/tunnel/moving.hpp"

namespace tidegate::gateway {

class Worker;

struct UpgradeTimes {
  std::chrono::milliseconds hello{10'000};  // for the new process to say a word
  std::chrono::milliseconds ready{60'000};  // for it to read its configuration and be ready
  std::chrono::milliseconds frozen{2'000};  // from the first tunnel that is frozen to the commit
  std::chrono::milliseconds between{200};   // further rounds
};

struct UpgradeOrder {
  SuccessorProgram program;
  Inventory inventory;
  std::vector<net::UniqueFd> sockets;                       // copies, as the inventory has them
  std::vector<Worker*> workers;                             // they outlive the upgrade
  std::function<std::vector<LimitFacts>()> limits;          // any thread
  std::function<std::vector<RemainingPlaces>()> remaining;  // any thread
};

struct UpgradeOutcome {
  bool succeeded = false;
  std::string text;  // a sentence
  pid_t pid = -1;    // of the process that has taken over
};

// Control's thread; the work is done on a thread of its own.
class Upgrade {
 public:
  using Done = std::function<void(const UpgradeOutcome&)>;

  explicit Upgrade(boost::asio::io_context& context, UpgradeTimes times = {})
      : context_(context), times_(times) {}
  ~Upgrade() { stop(); }
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;

  // `done` is called once, on control's thread.
  void begin(UpgradeOrder order, Done done);
  [[nodiscard]] bool is_under_way() const { return under_way_; }
  // One that is under way fails.
  void cancel() { stopping_ = true; }
  // The same, and waits for it; after the commit, ends the further rounds.
  void stop();

 private:
  struct Round;
  struct Moved {
    std::size_t taken = 0;
    std::size_t left = 0;
  };

  void run(UpgradeOrder& order);
  UpgradeOutcome hand_over(UpgradeOrder& order, std::unique_ptr<Successor>& successor);
  void follow_up(UpgradeOrder& order, Successor& successor);
  [[nodiscard]] Moved move_tunnels(const UpgradeOrder& order, Successor& successor, bool first);
  void finish(const UpgradeOutcome& outcome);

  boost::asio::io_context& context_;
  const UpgradeTimes times_;
  Done done_;
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  bool under_way_ = false;
};

}  // namespace tidegate::gateway
