// Idle connections of one worker, by endpoint (RFC 9112 9.3, 9.5).
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "upstream/endpoint.hpp"
#include "wire/net/event_loop.hpp"
#include "wire/net/stream.hpp"

namespace tidegate::upstream {

// A connection to an endpoint in use. The reservation counts against the endpoint's `maxConnections`.
struct Connection {
  Reservation place;  // outlives the stream: the pod must see the end before somebody else gets the place
  std::unique_ptr<net::Stream> stream;
  std::uint32_t epoch = 0;  // of its endpoint (see Endpoint::expire_pools), when it was begun
  bool reused = false;

  void close() {
    stream.reset();
    place.reset();
    reused = false;
  }

  explicit operator bool() const { return stream != nullptr; }
};

// A connection waits here with its readability watched: a FIN or a stray byte evicts it at once. Belongs to
// one worker. Nothing is allocated in steady state.
class Pool {
 public:
  explicit Pool(net::EventLoop& loop);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  // The connection used last (the least likely to be stale), looked at once more before it is handed out;
  // empty if there is none. `stale` counts the dead ones met. Takes over `place` on success only.
  [[nodiscard]] Connection take(Reservation& place, std::size_t& stale);
  // Keeps a connection that is between two messages. With a full shelf the oldest is closed. Its reservation
  // is given back, except where the endpoint bounds its connections: there an idle one still counts, since
  // the pod counts it.
  void put(Connection connection, std::size_t most, std::chrono::milliseconds idle);
  // Closes what is kept for an endpoint: it drains, is unready, or has said that it closes.
  void purge(EndpointId endpoint);
  [[nodiscard]] std::size_t idle(EndpointId endpoint) const;
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  class Idle;
  using Shelf = std::vector<std::unique_ptr<Idle>>;

  void evict(Idle& idle);
  void retire(std::unique_ptr<Idle> idle);

  net::EventLoop& loop_;
  std::unordered_map<EndpointId, Shelf> shelves_;
  Shelf spare_;  // empty nodes for reuse
  std::size_t size_ = 0;
};

}  // namespace tidegate::upstream
