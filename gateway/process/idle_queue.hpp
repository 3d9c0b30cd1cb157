// Connections that wait for a request, in the order in which they began to: whom to close when there is no
// room for newcomers.
#pragma once

#include "wire/net/deadline_wheel.hpp"

namespace tidegate::gateway {

class IdleQueue;

// One of them. Leaves its queue when destroyed.
class IdleNode {
 public:
  IdleNode() = default;
  IdleNode(const IdleNode&) = delete;
  IdleNode& operator=(const IdleNode&) = delete;

  // Closes it, unless a request has arrived that it has not seen yet: then false.
  virtual bool close_if_idle() = 0;
  void leave();
  [[nodiscard]] net::TimePoint since() const { return since_; }

 protected:
  ~IdleNode() { leave(); }

 private:
  friend class IdleQueue;
  IdleQueue* queue_ = nullptr;
  IdleNode* earlier_ = nullptr;
  IdleNode* later_ = nullptr;
  net::TimePoint since_{};
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
  }
  // Who has waited the longest; nullptr if nobody waits.
  [[nodiscard]] IdleNode* longest() const { return first_; }

 private:
  friend class IdleNode;
  IdleNode* first_ = nullptr;
  IdleNode* last_ = nullptr;
};

inline void IdleNode::leave() {
  if (queue_ == nullptr) return;
  (earlier_ == nullptr ? queue_->first_ : earlier_->later_) = later_;
  (later_ == nullptr ? queue_->last_ : later_->earlier_) = earlier_;
  queue_ = nullptr;
  earlier_ = later_ = nullptr;
}

// Closes one connection of `kept_alive`, who has waited the longest, or else one of `silent` that has waited
// for at least `patience` without ever sending a request. False if there is none. What has a request on its
// way is passed over.
[[nodiscard]] bool shed_longest(IdleQueue& kept_alive, IdleQueue& silent, net::TimePoint now,
                                net::Clock::duration patience);

}  // namespace tidegate::gateway
