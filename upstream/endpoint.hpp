// One endpoint as all threads see it: constants, and the few atomics that must be read in the last moment.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <utility>

#include "conf/config.hpp"
#include "upstream/endpoint_state.hpp"

namespace tidegate::upstream {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

using EndpointId = std::uint32_t;  // unique within the process, never used twice

// Shared by control and all workers through `std::shared_ptr`. Control alone moves the state, with one
// exception: a worker that meets a refusal may turn ready into unready (`refuse`).
class Endpoint {
 public:
  // `host`: as `rename` takes it.
  Endpoint(EndpointId id, const std::string& name, conf::Address address, int max_connections,
           const std::string& host = {});
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  [[nodiscard]] EndpointId id() const { return id_; }
  [[nodiscard]] const conf::Address& address() const { return address_; }
  [[nodiscard]] const std::string& address_text() const { return address_text_; }

  // That name has addresses of both families: an endpoint of the other one may be connected to beside it.
  // `set_` by control only.
  [[nodiscard]] bool dual_stack() const { return dual_stack_.load(std::memory_order_relaxed); }
  void set_dual_stack(bool both) { dual_stack_.store(both, std::memory_order_relaxed); }

  // The references stay valid as long as the endpoint, even over `rename`.
  [[nodiscard]] const std::string& name() const { return identity_.load(std::memory_order_acquire)->name; }
  // Whom its certificate must name, unless the upstream's `tls` says otherwise.
  [[nodiscard]] const std::string& host() const { return identity_.load(std::memory_order_acquire)->host; }
  // A stable hash of the name: its place on hash rings and its sticky cookie, equal in every process.
  [[nodiscard]] std::uint64_t identity() const { return identity_.load(std::memory_order_acquire)->hash; }
  // Control only. `host`: the name that it is an address of; empty: none, and its certificate is to name the
  // address. Connections that were kept for another host are not used again. Earlier names are kept, since a
  // worker may be reading one.
  void rename(const std::string& name, const std::string& host);

  [[nodiscard]] EndpointState state() const { return state_.load(std::memory_order_acquire); }
  [[nodiscard]] bool eligible() const { return state() == EndpointState::ready; }
  void set_state(EndpointState state) {
    if (state == EndpointState::ready) untrusted_.store(false, std::memory_order_relaxed);
    state_.store(state, std::memory_order_release);
  }
  // ready -> unready and nothing else, so that a late refusal never undoes a drain. True if it changed the
  // state.
  bool refuse() {
    auto expected = EndpointState::ready;
    return state_.compare_exchange_strong(expected, EndpointState::unready, std::memory_order_acq_rel);
  }

  // Whether new WebSockets may go there: see SocketIntake. Control alone sets it.
  [[nodiscard]] bool takes_new_sockets() const { return takes_new_sockets_.load(std::memory_order_acquire); }
  void set_takes_new_sockets(bool takes) { takes_new_sockets_.store(takes, std::memory_order_release); }
  // Whether a request may go there, or with `socket` one that opens a WebSocket.
  [[nodiscard]] bool takes(bool socket) const { return eligible() && (!socket || takes_new_sockets()); }

  // Its certificate was not accepted. Thread-safe; holds until it is ready again.
  void distrust() { untrusted_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool untrusted() const { return untrusted_.load(std::memory_order_relaxed); }

  // Takes a place among `max_connections` (0: unlimited); false if it is full. Pairs with `release`.
  [[nodiscard]] bool reserve() {
    const auto maximum = max_connections();
    const auto before = active_.fetch_add(1, std::memory_order_acq_rel);
    if (maximum == 0 || before < maximum) return true;
    active_.fetch_sub(1, std::memory_order_acq_rel);
    return false;
  }
  void release() { active_.fetch_sub(1, std::memory_order_acq_rel); }
  // For a connection that is there already: another process had it.
  void reserve_anyway() { active_.fetch_add(1, std::memory_order_acq_rel); }
  // Places that another process of the gateway holds at it; they count among those taken. Control only.
  void set_elsewhere(int count) { active_.fetch_add(count - std::exchange(elsewhere_, count)); }
  [[nodiscard]] int active() const { return active_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool full() const {
    const auto maximum = max_connections();
    return maximum != 0 && active() >= maximum;
  }
  [[nodiscard]] int max_connections() const { return max_connections_.load(std::memory_order_relaxed); }
  // Control only, at a reload. What is above a lowered maximum goes on; nothing new enters until it is below.
  void set_max_connections(int maximum) { max_connections_.store(maximum, std::memory_order_relaxed); }

  // When it last turned ready (slow start) and last answered anything (a reset after that is no sign of
  // death).
  [[nodiscard]] TimePoint ready_since() const {
    return TimePoint(Clock::duration(ready_since_.load(std::memory_order_relaxed)));
  }
  void set_ready_since(TimePoint at) {
    ready_since_.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }
  [[nodiscard]] TimePoint last_answer() const {
    return TimePoint(Clock::duration(last_answer_.load(std::memory_order_relaxed)));
  }
  void set_last_answer(TimePoint at) {
    last_answer_.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // Connects that failed by time in a row, over all workers: the count including this one.
  int count_connect_timeout() { return connect_timeouts_.fetch_add(1, std::memory_order_relaxed) + 1; }
  void connect_succeeded() {
    if (connect_timeouts_.load(std::memory_order_relaxed) != 0)
      connect_timeouts_.store(0, std::memory_order_relaxed);
  }

  // Idle connections of all pools that were kept before this call are not used again: the endpoint has
  // answered 503 or has said that it closes. Thread-safe.
  void expire_pools() { pool_epoch_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t pool_epoch() const { return pool_epoch_.load(std::memory_order_relaxed); }

 private:
  struct Identity {
    std::string name;
    std::string host;
    std::uint64_t hash = 0;
  };

  const EndpointId id_;
  const conf::Address address_;
  const std::string address_text_;
  std::forward_list<Identity> identities_;  // each it has had, once; touched by control only
  std::atomic<const Identity*> identity_;
  std::atomic<int> max_connections_;
  std::atomic<EndpointState> state_{EndpointState::probing};
  std::atomic<bool> takes_new_sockets_{true};
  std::atomic<bool> untrusted_{false};
  std::atomic<bool> dual_stack_{false};
  std::atomic<int> active_{0};
  int elsewhere_ = 0;  // of `active_`
  std::atomic<Clock::rep> ready_since_{0};
  std::atomic<Clock::rep> last_answer_{0};
  std::atomic<int> connect_timeouts_{0};
  std::atomic<std::uint32_t> pool_epoch_{0};
};

using EndpointPtr = std::shared_ptr<Endpoint>;

// One reserved place at an endpoint; gives it back when destroyed. Movable, owned by one exchange or tunnel.
class Reservation {
 public:
  Reservation() = default;
  // Adopts a place that `endpoint->reserve()` has given.
  explicit Reservation(EndpointPtr endpoint) : endpoint_(std::move(endpoint)) {}
  Reservation(Reservation&& other) noexcept : endpoint_(std::move(other.endpoint_)) {
    other.endpoint_.reset();
  }
  Reservation& operator=(Reservation&& other) noexcept {
    if (this != &other) {
      reset();
      endpoint_ = std::move(other.endpoint_);
      other.endpoint_.reset();
    }
    return *this;
  }
  ~Reservation() { reset(); }

  void reset() {
    if (endpoint_) endpoint_->release();
    endpoint_.reset();
  }
  explicit operator bool() const { return endpoint_ != nullptr; }
  [[nodiscard]] const EndpointPtr& endpoint() const { return endpoint_; }

 private:
  EndpointPtr endpoint_;
};

}  // namespace tidegate::upstream
