#include "upstream/pool.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::upstream {

class Pool::Idle final : public net::Waiter, public net::DeadlineNode {
 public:
  explicit Idle(Pool& pool) : pool_(pool) {}

  void keep(Connection connection, const Endpoint& endpoint, net::TimePoint until) {
    connection_ = std::move(connection);
    endpoint_ = endpoint.id();
    connection_.stream->reader = this;
    pool_.loop_.wheel().arm(*this, until);
  }
  Connection release() {
    disarm();
    connection_.stream->reader = nullptr;
    return std::move(connection_);
  }
  [[nodiscard]] EndpointId endpoint() const { return endpoint_; }
  [[nodiscard]] bool usable(const Endpoint& endpoint) const {
    return connection_.epoch == endpoint.pool_epoch() && connection_.stream->is_quiet();
  }

 private:
  void wake(net::Cause) override {
    // Under TLS session tickets and key updates come between messages.
    auto& stream = *connection_.stream;
    if (stream.tls() == nullptr || !stream.is_quiet()) pool_.evict(*this);
  }
  void on_deadline() override { pool_.evict(*this); }

  Pool& pool_;
  Connection connection_;
  EndpointId endpoint_ = 0;
};

Pool::Pool(net::EventLoop& loop) : loop_(loop) {}
Pool::~Pool() = default;

Connection Pool::take(Reservation& place, std::size_t& stale) {
  const auto found = shelves_.find(place.endpoint()->id());
  if (found == shelves_.end()) return {};
  auto& shelf = found->second;
  while (!shelf.empty()) {
    auto idle = std::move(shelf.back());
    shelf.pop_back();
    --size_;
    const bool usable = idle->usable(*place.endpoint());
    auto connection = idle->release();
    retire(std::move(idle));
    if (!usable) {
      ++stale;
      continue;
    }
    connection.place = std::move(place);
    connection.reused = true;
    return connection;
  }
  return {};
}

void Pool::put(Connection connection, std::size_t most, std::chrono::milliseconds idle) {
  if (most == 0 || !connection.stream) return;
  auto& stream = *connection.stream;
  if (stream.tls() != nullptr && !stream.is_quiet()) return;
  if (stream.readable() || stream.hung_up()) return;
  const auto endpoint = connection.place.endpoint();
  if (endpoint->state() != EndpointState::ready) return;
  const auto id = endpoint->id();
  // Idle connections keep their places there, and must not be what fills it: `pick` passes over a full
  // endpoint.
  if (endpoint->full()) return;
  if (endpoint->max_connections() == 0) connection.place.reset();

  auto& shelf = shelves_[id];
  if (shelf.size() >= most) evict(*shelf.front());
  auto node = spare_.empty() ? std::make_unique<Idle>(*this) : std::move(spare_.back());
  if (!spare_.empty()) spare_.pop_back();
  node->keep(std::move(connection), *endpoint, loop_.now() + idle);
  shelf.push_back(std::move(node));
  ++size_;
}

void Pool::purge(EndpointId endpoint) {
  const auto found = shelves_.find(endpoint);
  if (found == shelves_.end()) return;
  size_ -= found->second.size();
  shelves_.erase(found);
}

std::size_t Pool::idle(EndpointId endpoint) const {
  const auto found = shelves_.find(endpoint);
  return found == shelves_.end() ? 0 : found->second.size();
}

void Pool::evict(Idle& idle) {
  auto& shelf = shelves_[idle.endpoint()];
  const auto at =
      std::find_if(shelf.begin(), shelf.end(), [&](const auto& kept) { return kept.get() == &idle; });
  auto node = std::move(*at);
  shelf.erase(at);
  --size_;
  { const auto closed = node->release(); }
  retire(std::move(node));
}

void Pool::retire(std::unique_ptr<Idle> idle) {
  spare_.push_back(std::move(idle));
}

}  // namespace tidegate::upstream
