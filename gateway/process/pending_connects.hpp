// The connects of one worker that are under way, TLS handshakes with pods among them, so that none waits for
// an endpoint that takes nothing new any more.
#pragma once

#include "upstream/endpoint.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {

class PendingConnects;

// One of them, in the frame of the coroutine that waits for it; leaves the others when destroyed. Its
// endpoint outlives it.
class PendingConnect {
 public:
  PendingConnect(net::EventLoop& loop, PendingConnects& all, const upstream::Endpoint& endpoint);
  ~PendingConnect();
  PendingConnect(const PendingConnect&) = delete;
  PendingConnect& operator=(const PendingConnect&) = delete;

  // It goes on at another endpoint.
  void follow(const upstream::Endpoint& endpoint) {
    endpoint_ = &endpoint;
    called_off_.clear();
  }
  // Raised once nothing can come of it.
  [[nodiscard]] net::Signal& called_off() { return called_off_; }

 private:
  friend class PendingConnects;
  PendingConnects& all_;
  const upstream::Endpoint* endpoint_;
  net::Signal called_off_;
  PendingConnect* previous_ = nullptr;
  PendingConnect* next_;
};

// Allocates nothing. Belongs to one loop.
class PendingConnects {
 public:
  // Calls off those whose endpoint is not eligible any more; they end after the current event.
  void review();

 private:
  friend class PendingConnect;
  PendingConnect* first_ = nullptr;
};

}  // namespace tidegate::gateway
