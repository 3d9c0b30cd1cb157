// Forward's way to a connection: an idle one, or a new one with all that belongs before the first byte of a
// request.
#include <algorithm>

#include "gateway/exchange/forward.hpp"
#include "gateway/exchange/retry.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/proxy_header.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {

net::Task<net::error_code> Forward::open(upstream::Reservation place) {
  // Where the request may not be sent twice, a connection that may have died unseen is not used.
  if (!is_upgrade() && !reused_retry_used_ && !announces_client() &&
      is_idempotent(exchange_.request.method)) {
    std::size_t stale = 0;
    connection_ = worker_.pool().take(place, stale);
    counters_.pool_stale.add(stale);
    if (connection_) {
      counters_.pool_hits.add();
      co_return net::error_code();
    }
  }
  connection_.place = std::move(place);
  connection_.epoch = endpoint_->pool_epoch();
  PendingConnect pending(worker_.loop(), worker_.connects(), *endpoint_);
  const net::OpeningLimits limits{std::min(worker_.now() + settings().timeouts.connect, deadline_),
                                  &client_.stream(), &pending.called_off()};
  const auto error = co_await connect(pending, limits);
  if (error) co_return error;
  if (announces_client()) {
    const auto failed = co_await announce_client();
    if (failed) co_return failed;
  }
  if (const auto* tls = exchange_.view->tls->upstreams[route_.upstream].get()) {
    const auto failed = co_await upstream::secure(*connection_.stream, *tls, endpoint_->host(), limits);
    if (failed) co_return failed;
  }
  counters_.connects.add();
  endpoint_->connect_succeeded();
  current().connect =
      std::chrono::duration_cast<std::chrono::microseconds>(net::Clock::now() - attempt_began_);
  co_return net::error_code();
}

net::Task<net::error_code> Forward::connect(PendingConnect& pending, net::OpeningLimits limits) {
  const auto address = upstream::socket_address(endpoint_->address());
  if (!address) co_return net::make_error(EINVAL);
  auto other = endpoint_->dual_stack() ? reserve_other_family() : upstream::Reservation();
  if (!other) {
    auto stream = co_await upstream::connect(worker_.loop(), *address, settings(), limits);
    if (!stream) co_return stream.error();
    connection_.stream = std::move(*stream);
    co_return net::error_code();
  }
  const auto second = upstream::socket_address(other.endpoint()->address());
  auto either = co_await upstream::connect_to_either(worker_.loop(), *address, *second, settings(), limits);
  const auto result = either.stream ? net::error_code() : either.stream.error();
  if (either.second_fault) note_failure_beside(other.endpoint(), either.second_fault);
  if (either.first_fault && either.first_fault != result) note_failure_beside(endpoint_, either.first_fault);
  if (result) co_return result;
  if (either.second_taken) {
    go_to_other_family(std::move(other));
    pending.follow(*endpoint_);
  }
  connection_.stream = std::move(*either.stream);
  co_return net::error_code();
}

// A place at an endpoint of the same host that has an address of the other family.
upstream::Reservation Forward::reserve_other_family() {
  const auto is_v6 = [](const upstream::Endpoint& endpoint) {
    return endpoint.address().host.find(':') != std::string::npos;
  };
  for (const auto& member : cluster()->members) {
    const auto& endpoint = *member.endpoint;
    if (!endpoint.takes(is_upgrade()) || is_v6(endpoint) == is_v6(*endpoint_) ||
        endpoint.host() != endpoint_->host() || endpoint.address().port != endpoint_->address().port)
      continue;
    if (std::find(tried_.begin(), tried_.end(), endpoint.id()) != tried_.end()) continue;
    if (member.endpoint->reserve()) return upstream::Reservation(member.endpoint);
  }
  return {};
}

// The attempt goes on there.
void Forward::go_to_other_family(upstream::Reservation other) {
  endpoint_ = other.endpoint();
  exchange_.met.push_back(endpoint_);
  current().endpoint = endpoint_->address_text();
  connection_.place = std::move(other);
  connection_.epoch = endpoint_->pool_epoch();
}

// The PROXY protocol's header, before the first byte of the request and of TLS.
net::Task<net::error_code> Forward::announce_client() {
  const auto version =
      settings().proxy_protocol == conf::ProxyProtocolOut::v1 ? net::ProxyVersion::v1 : net::ProxyVersion::v2;
  const auto& record = exchange_.record;
  // The port is the connection's own: of a client behind a proxy nobody knows it.
  const bool own = exchange_.client_address == exchange_.peer_address;
  const auto source =
      net::SocketAddress::from_ip(exchange_.client_address, own ? record.client_port : std::uint16_t{0});
  auto& header = exchange_.scratch;
  header.clear();
  net::append_proxy_header(header, version, source.value_or(net::SocketAddress()), client_.destination());
  const auto stalled = co_await net::write_all(*connection_.stream, header, settings().timeouts.connect);
  co_return stalled;
}

}  // namespace tidegate::gateway
