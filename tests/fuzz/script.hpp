// A client and a pod on either side of a gateway, driven by the bytes of a fuzz input.
//
// An input is a row of steps. A step begins with the byte 0x1e and a letter, what follows up to the next 0x1e
// are its bytes; an input without one is what the client sends.
//   c  the client sends            p  the pod sends, on its newest connection
//   C  the client ends its side    P  the pod closes that connection
//   R  the client resets           X  the pod resets it
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "wire/net/unique_fd.hpp"

namespace tidegate::fuzz {

struct Step {
  char what = 'c';
  std::string_view bytes;
};

// At most 16 steps; unknown letters are left out.
[[nodiscard]] std::vector<Step> steps_of(std::string_view input);

// One end of a connection; everything that comes is kept.
class End {
 public:
  explicit End(net::UniqueFd socket) : socket_(std::move(socket)) {}

  void send(std::string_view bytes);
  void half_close();
  void reset();
  void close() { socket_.reset(); }
  // Takes what has come.
  void read();

  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] const std::string& sent() const { return sent_; }

 private:
  net::UniqueFd socket_;
  std::string received_;
  std::string sent_;
};

// Listens on 127.0.0.1 for the gateway's connections.
class Pod {
 public:
  Pod();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Accepts what waits, and reads everywhere.
  void look();
  // nullptr if there is no connection (yet).
  [[nodiscard]] End* newest() { return ends_.empty() ? nullptr : &ends_.back(); }
  [[nodiscard]] const std::deque<End>& ends() const { return ends_; }
  void forget_all() { ends_.clear(); }

 private:
  net::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::deque<End> ends_;
};

[[nodiscard]] End connect_to(std::uint16_t port);

// The lowest descriptor that is free: the same before and after unless one leaks.
[[nodiscard]] int lowest_free_descriptor();

}  // namespace tidegate::fuzz
