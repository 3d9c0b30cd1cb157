#include "gateway/process/pending_connects.hpp"

namespace tidegate::gateway {

PendingConnect::PendingConnect(net::EventLoop& loop, PendingConnects& all, const upstream::Endpoint& endpoint)
    : all_(all), endpoint_(&endpoint), called_off_(loop), next_(all.first_) {
  if (next_ != nullptr) next_->previous_ = this;
  all_.first_ = this;
}

PendingConnect::~PendingConnect() {
  (previous_ == nullptr ? all_.first_ : previous_->next_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

void PendingConnects::review() {
  for (auto* connect = first_; connect != nullptr; connect = connect->next_) {
    if (!connect->endpoint_->eligible() && !connect->called_off_.raised()) connect->called_off_.raise();
  }
}

}  // namespace tidegate::gateway
