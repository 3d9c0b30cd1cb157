#include "gateway/handover/upgrade.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <boost/asio/post.hpp>

#include "gateway/handover/archive.hpp"
#include "gateway/process/worker.hpp"
#include "gateway/tunnel/tunnel.hpp"

namespace tidegate::gateway {
namespace {

using Clock = HandoverChannel::Clock;

constexpr std::chrono::milliseconds kGreeting{5'000};   // for sending what was just asked for
constexpr std::chrono::milliseconds kCommitted{5'000};  // for the answer to the commit

// Between the commit and its answer nobody here knows whether the new process has begun: it has all the time
// that a process may need. If the answer does not come, that process is ended. False if it had begun after
// all.
bool await_committed(Successor& successor) {
  auto& channel = successor.channel();
  channel.stop_with(nullptr);
  try {
    (void)channel.expect(HandoverKind::committed, Clock::now() + kCommitted);
    return true;
  } catch (const HandoverFault& fault) {
    const auto end = successor.end();
    try {
      (void)channel.expect(HandoverKind::committed, Clock::now() + kGreeting);
    } catch (const HandoverFault&) {
      throw HandoverFault(fault.what() + end);
    }
  }
  return false;
}

void check_greeting(const HandoverMessage& message) {
  Unpacker bytes(message.bytes);
  HandoverGreeting greeting;
  bytes(greeting);
  if (!bytes.is_done()) throw HandoverFault("the new program does not introduce itself as a tidegate");
  if (greeting.format != handover_format)
    throw HandoverFault("version " + greeting.version + " of the program hands over in another form (" +
                        std::to_string(greeting.format) + ", here " + std::to_string(handover_format) +
                        "): a restart is needed");
}

}  // namespace

// What the workers have frozen. Shared with them: a worker may come to it late.
struct Upgrade::Round {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t missing = 0;
  bool abandoned = false;
  std::vector<std::pair<Worker*, std::vector<FrozenTunnel>>> frozen;

  static void thaw(Worker& worker, const std::vector<FrozenTunnel>& tunnels) {
    worker.post([tunnels] {
      for (const auto& each : tunnels) each.tunnel->thaw();
    });
  }

  // False if it takes longer than until `deadline`.
  bool freeze(const std::shared_ptr<Round>& self, const std::vector<Worker*>& workers,
              Clock::time_point deadline) {
    missing = workers.size();
    for (auto* const worker : workers) {
      worker->post([self, worker] {
        {
          const std::lock_guard lock(self->mutex);
          if (self->abandoned) return;
        }
        auto tunnels = worker->freeze_tunnels();
        const std::lock_guard lock(self->mutex);
        if (self->abandoned) return thaw(*worker, tunnels);
        self->frozen.emplace_back(worker, std::move(tunnels));
        --self->missing;
        self->changed.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, deadline, [this] { return missing == 0; });
  }

  void abandon() {
    const std::lock_guard lock(mutex);
    abandoned = true;
    for (const auto& [worker, tunnels] : frozen) thaw(*worker, tunnels);
    frozen.clear();
  }

  // Each goes, or stays, as the other process has said.
  Moved settle(const std::vector<std::uint8_t>& taken) {
    Moved moved;
    std::size_t next = 0;
    for (const auto& [worker, tunnels] : frozen) {
      std::vector<Tunnel*> go;
      std::vector<Tunnel*> stay;
      for (const auto& tunnel : tunnels) {
        if (taken[next++] != 0) {
          go.push_back(tunnel.tunnel);
        } else {
          stay.push_back(tunnel.tunnel);
        }
      }
      moved.taken += go.size();
      moved.left += stay.size();
      worker->post([go, stay] {
        for (auto* const tunnel : go) tunnel->let_go();
        for (auto* const tunnel : stay) tunnel->stay();
      });
    }
    return moved;
  }
};

void Upgrade::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Upgrade::begin(UpgradeOrder order, Done done) {
  if (thread_.joinable()) thread_.join();  // of one that has failed
  stopping_ = false;
  done_ = std::move(done);
  auto shared = std::make_shared<UpgradeOrder>(std::move(order));
  thread_ = std::thread([this, shared] { run(*shared); });
  under_way_ = true;
}

void Upgrade::finish(const UpgradeOutcome& outcome) {
  boost::asio::post(context_, [this, outcome] {
    under_way_ = false;
    done_(outcome);
  });
}

void Upgrade::run(UpgradeOrder& order) {
  std::unique_ptr<Successor> successor;
  UpgradeOutcome outcome;
  try {
    outcome = hand_over(order, successor);
  } catch (const std::exception& error) {
    outcome.text = error.what();
    if (successor) outcome.text += successor->end();
  }
  order.sockets.clear();
  finish(outcome);
  if (!outcome.succeeded) return;
  try {
    follow_up(order, *successor);
  } catch (const std::exception&) {
    // It has ended: what is left here ends here.
  }
}

UpgradeOutcome Upgrade::hand_over(UpgradeOrder& order, std::unique_ptr<Successor>& successor) {
  successor = std::make_unique<Successor>(order.program);
  auto& channel = successor->channel();
  channel.stop_with(&stopping_);
  check_greeting(channel.expect(HandoverKind::hello, Clock::now() + times_.hello));
  std::vector<int> sockets;
  for (const auto& socket : order.sockets) sockets.push_back(socket.get());
  channel.send(HandoverKind::inventory, packed(order.inventory), sockets, Clock::now() + kGreeting);
  (void)channel.expect(HandoverKind::ready, Clock::now() + times_.ready);
  if (stopping_) throw HandoverFault("this process is ending");
  const auto moved = move_tunnels(order, *successor, true);
  UpgradeOutcome outcome;
  outcome.succeeded = true;
  outcome.pid = successor->pid();
  successor->release();
  outcome.text = "process " + std::to_string(outcome.pid) + " has taken over with " +
                 std::to_string(moved.taken) + " WebSockets";
  if (moved.left > 0)
    outcome.text +=
        "; " + std::to_string(moved.left) + " have no place there (their route or endpoint is gone)";
  return outcome;
}

Upgrade::Moved Upgrade::move_tunnels(const UpgradeOrder& order, Successor& successor, bool first) {
  auto& channel = successor.channel();
  const auto deadline = Clock::now() + times_.frozen;
  const auto round = std::make_shared<Round>();
  try {
    if (!round->freeze(round, order.workers, deadline)) {
      if (first) throw HandoverFault("the workers did not freeze their WebSockets in time");
      round->abandon();  // the next round is soon
      return {};
    }
    TunnelBatch batch;
    if (first) batch.limits = order.limits();
    std::vector<int> descriptors;
    for (const auto& [worker, tunnels] : round->frozen) {
      for (const auto& tunnel : tunnels) {
        batch.tunnels.push_back({tunnel.facts, tunnel.state});
        descriptors.insert(descriptors.end(), {tunnel.client, tunnel.pod});
      }
    }
    if (!first && batch.tunnels.empty()) return {};
    channel.send(HandoverKind::tunnels, packed(batch), descriptors, deadline);
    const auto answer = channel.expect(HandoverKind::taken, deadline);
    Unpacker bytes(answer.bytes);
    TakenTunnels taken;
    bytes(taken);
    if (!bytes.is_done() || taken.taken.size() != batch.tunnels.size())
      throw HandoverFault("the new process does not answer for each WebSocket");
    channel.send(HandoverKind::commit, {}, deadline);
    const bool lives = await_committed(successor);
    const auto moved = round->settle(taken.taken);
    if (!lives) throw HandoverFault("the new process has ended with the WebSockets that it had taken over");
    channel.stop_with(&stopping_);
    return moved;
  } catch (...) {
    // What it has not read yet must not reach it while they are in use here again.
    if (!first) channel = HandoverChannel(net::UniqueFd());
    round->abandon();
    throw;
  }
}

// Handshakes that were under way, and what is left to be counted.
void Upgrade::follow_up(UpgradeOrder& order, Successor& successor) {
  for (int round = 0; !stopping_; ++round) {
    if (round % 5 == 0)
      successor.channel().send(HandoverKind::remaining, packed(order.remaining()),
                               Clock::now() + times_.frozen);
    (void)move_tunnels(order, successor, false);
    std::this_thread::sleep_for(times_.between);
  }
}

}  // namespace tidegate::gateway
