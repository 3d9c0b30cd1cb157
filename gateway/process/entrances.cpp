// What a new view means for the listeners of a worker and the connections that came in by them.
#include "gateway/exchange/client_connection.hpp"
#include "gateway/process/config_diff.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {

void Worker::update_entrances() {
  auto before = std::exchange(entrances_, {});
  const auto& listeners = view_->config->listeners;
  std::vector<EntrancePtr> closed;
  for (std::uint32_t i = 0; i < view_->listener_ids.size(); ++i) {
    auto node = before.extract(view_->listener_ids[i]);
    auto& entrance = entrances_[view_->listener_ids[i]];
    if (!node.empty()) {
      auto& old = *node.mapped();
      if (keeps_connections(old.view->config->listeners[old.listener], listeners[i])) {
        entrance = std::move(node.mapped());
      } else {
        closed.push_back(node.mapped());
      }
    }
    if (!entrance) entrance = std::make_shared<Entrance>();
    entrance->view = view_;
    entrance->listener = i;
  }
  // Those that are gone; who waits in their queues is still let in under what held when he came.
  for (auto& [id, entrance] : before) {
    entrances_.emplace(id, entrance);
    closed.push_back(entrance);
  }
  for (const auto& entrance : closed) entrance->closed = true;
  // Not those that have not sent anything yet: their request is on its way.
  for (const auto& connection : connections_) {
    if (connection->entrance().closed && connection->has_served()) connection->close_if_idle();
  }
  std::erase_if(listeners_, [&](const auto& listener) {
    if (!before.contains(listener->id())) return false;
    listener->accept_rest();
    return true;
  });
  for (const auto& [id, entrance] : before) entrances_.erase(id);
}

}  // namespace tidegate::gateway
