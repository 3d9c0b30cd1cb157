// Messages with descriptors between two processes of the gateway, of which one takes over from the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

enum class HandoverKind : std::uint8_t {
  hello,      // new to old: who it is
  inventory,  // old to new: listening sockets, ticket keys, endpoints
  ready,      // new to old: it could serve
  failed,     // new to old: it cannot, and why
  tunnels,    // old to new: frozen tunnels with their descriptors
  taken,      // new to old: which of them it has a place for
  commit,     // old to new: they are yours, and all that comes
  committed,  // new to old: understood; it begins only when that is sent
  remaining,  // old to new: what it still has of each endpoint
};

struct HandoverMessage {
  HandoverKind kind{};
  std::string bytes;
  std::vector<net::UniqueFd> descriptors;
};

// It did not come about: a sentence.
class HandoverFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One end of a Unix socket of type SOCK_SEQPACKET. One thread at a time. Every call has a deadline and throws
// HandoverFault when it passes, when the other side is gone, and for what no gateway says.
class HandoverChannel {
 public:
  using Clock = std::chrono::steady_clock;

  explicit HandoverChannel(net::UniqueFd socket) : socket_(std::move(socket)) {}

  // `descriptors` stay the caller's.
  void send(HandoverKind kind, const std::string& bytes, const std::vector<int>& descriptors,
            Clock::time_point deadline);
  void send(HandoverKind kind, const std::string& bytes, Clock::time_point deadline) {
    send(kind, bytes, {}, deadline);
  }
  [[nodiscard]] HandoverMessage receive(Clock::time_point deadline);
  // The same, for a message of that kind; `failed` throws what it says.
  [[nodiscard]] HandoverMessage expect(HandoverKind kind, Clock::time_point deadline);

  // Whoever waits stops waiting, by a HandoverFault, soon after `stopping` turns true, which outlives this
  // object; null: by no such thing.
  void stop_with(const std::atomic<bool>* stopping) { stopping_ = stopping; }

  [[nodiscard]] int descriptor() const { return socket_.get(); }

 private:
  void wait(short events, Clock::time_point deadline) const;
  void send_packet(const void* bytes, std::size_t size, const int* descriptors, std::size_t count,
                   Clock::time_point deadline);
  [[nodiscard]] std::size_t receive_packet(void* bytes, std::size_t size,
                                           std::vector<net::UniqueFd>& descriptors,
                                           Clock::time_point deadline);

  net::UniqueFd socket_;
  const std::atomic<bool>* stopping_ = nullptr;
};

// Both ends. Throws HandoverFault.
struct HandoverEnds {
  net::UniqueFd ours;
  net::UniqueFd theirs;
};
[[nodiscard]] HandoverEnds open_handover();

}  // namespace tidegate::gateway
