// One listening socket of one worker.
#pragma once

#include <cstdint>

#include "gateway/process/fault_spell.hpp"
#include "wire/net/deadline_wheel.hpp"
#include "wire/net/event_loop.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

class Worker;

// Accepts a bounded number of connections per turn. When descriptors run out it pauses: retrying at once
// would spin, since the connection stays in the queue. A reserve descriptor lets it shed one connection
// instead of leaving the client without any answer.
class Listener final : private net::Pollable, private net::DeadlineNode {
 public:
  // `id` as in WorkerView::listener_ids; `key` tells the sockets of one listener apart.
  Listener(Worker& worker, std::uint32_t id, std::uint64_t key, net::UniqueFd socket);
  ~Listener();

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] std::uint64_t key() const { return key_; }

  // Takes what waits in the accept queue, before the socket is closed: closing resets it.
  void accept_rest();

 private:
  void on_ready(std::uint32_t events) override;
  void on_deadline() override;
  void pause();
  // True if accepting should go on this turn.
  [[nodiscard]] bool accept_one();
  [[nodiscard]] bool handle_error(int error);
  [[nodiscard]] bool make_room();
  void shed_one();
  void say_failure(int error);
  void say_over_limit();

  Worker& worker_;
  const std::uint32_t id_;
  const std::uint64_t key_;
  net::UniqueFd socket_;
  net::UniqueFd reserve_;
  bool paused_ = false;
  FaultSpell failing_;
  net::TimePoint over_limit_again_{};
};

}  // namespace tidegate::gateway
