// Connections that have no request in progress, in the order in which they came to that: whom to close when
// there is no room for another.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

class IdleQueue;

// One of them. Leaves its queue when destroyed.
class IdleNode {
 public:
  IdleNode() = default;
  IdleNode(const IdleNode&) = delete;
  IdleNode& operator=(const IdleNode&) = delete;

  // Closes it, unless a request has arrived that it has not seen yet, or it is about to end anyhow: then
  // false.
  virtual bool give_way() = 0;
  void leave();
  [[nodiscard]] bool is_queued() const { return queue_ != nullptr; }
  [[nodiscard]] net::TimePoint since() const { return since_; }
  // Equal for connections of one client, who pays with his own for a crowd of them; 0 for one that cannot be
  // told from others or that speaks for many.
  [[nodiscard]] std::uint64_t client() const { return client_; }

 protected:
  ~IdleNode() { leave(); }
  void set_client(std::uint64_t client) { client_ = client; }

 private:
  friend class IdleQueue;
  IdleQueue* queue_ = nullptr;
  IdleNode* earlier_ = nullptr;
  IdleNode* later_ = nullptr;
  net::TimePoint since_{};
  std::uint64_t client_ = 0;
};

// Owns nothing. Belongs to one worker.
class IdleQueue {
 public:
  IdleQueue() = default;
  IdleQueue(const IdleQueue&) = delete;
  IdleQueue& operator=(const IdleQueue&) = delete;
  ~IdleQueue() {
    while (first_ != nullptr) first_->leave();
  }

  // `now` never goes back: who enters has waited the shortest.
  void enter(IdleNode& node, net::TimePoint now) {
    node.leave();
    node.queue_ = this;
    node.since_ = now;
    node.earlier_ = last_;
    (last_ == nullptr ? first_ : last_->later_) = &node;
    last_ = &node;
    ++size_;
  }
  // Who has waited the longest; nullptr if nobody waits.
  [[nodiscard]] IdleNode* longest() const { return first_; }
  // The longest of this client, if it is among those that have waited the longest; else nullptr.
  [[nodiscard]] IdleNode* longest_of(std::uint64_t client) const;
  // The longest of the client that has the most connections among those that have waited the longest, if that
  // is more than the newcomer's client would have with it; else nullptr.
  [[nodiscard]] IdleNode* longest_of_crowd(std::uint64_t newcomer) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  friend class IdleNode;
  std::size_t size_ = 0;
  IdleNode* first_ = nullptr;
  IdleNode* last_ = nullptr;
};

inline void IdleNode::leave() {
  if (queue_ == nullptr) return;
  (earlier_ == nullptr ? queue_->first_ : earlier_->later_) = later_;
  (later_ == nullptr ? queue_->last_ : later_->earlier_) = earlier_;
  --queue_->size_;
  queue_ = nullptr;
  earlier_ = later_ = nullptr;
}

// Who is there room to be made for.
struct Newcomer {
  std::uint64_t client = 0;  // as IdleNode::client
  net::TimePoint now{};
};

// Closes one connection of `kept_alive`, who has waited the longest, or else one of `newcomers`: that has not
// brought a whole head within `patience`, or of a client that has more of them than the newcomer's. False if
// there is none. What has a request on its way is passed over.
[[nodiscard]] bool shed_longest(IdleQueue& kept_alive, IdleQueue& newcomers, const Newcomer& newcomer,
                                net::Clock::duration patience);

// Lets `node` into a queue of at most `most`: the longest of a client that has more there than its own gives
// way, or else of its own client, or else of all. True if one was closed for it.
bool enter_bounded(IdleQueue& queue, IdleNode& node, std::size_t most, net::TimePoint now);

}  // namespace tidegate::gateway
