// Who the client is: what a balancer says before the first byte, and what trusted proxies say in each
// request.
#include "gateway/exchange/client_connection.hpp"
#include "gateway/exchange/client_identity.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/proxy_header.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

// Which list has refused whom; the line's `listener` says where, if no route does.
std::string access_story(std::string_view client, std::string_view route) {
  std::string story = "`access` of the ";
  story += route.empty() ? "listener" : "route ";
  return story.append(route).append(" does not let ").append(client).append(" in");
}

}  // namespace

net::Task<bool> ClientConnection::introduce() {
  const auto view = entrance_->view;
  const auto listener = entrance_->listener;
  const auto& admission = view->admissions[listener];
  if (admission.has_senders) {
    if (admission.senders.contains(address_)) {
      const bool introduced = co_await read_proxy_header(view->config->listeners[listener]);
      if (!introduced) co_return false;
    } else if (admission.refuses_others) {
      co_return turn_away(ConnectionRefusal::unexpected_peer,
                          "only balancers that `proxyProtocol.from` names are let in here");
    }
  }
  // Where a proxy stands before the clients, only a request tells which of them it is.
  if (admission.access.allows(address_) || view->trusted.contains(address_)) co_return true;
  co_return turn_away(ConnectionRefusal::access_denied, access_story(address_, {}));
}

net::Task<bool> ClientConnection::read_proxy_header(const conf::Listener& settings) {
  const auto deadline = worker_.now() + settings.timeouts.proxy_header;
  for (;;) {
    const auto scratch = worker_.scratch().first(net::kLongestProxyHeader);
    const auto seen = stream_->try_peek(scratch);
    if (seen.has_error() && !net::would_block(seen.error()))
      co_return turn_away(ConnectionRefusal::header_lost, "the connection ended before its PROXY header");
    if (seen.has_value()) {
      net::ProxyHeader header;
      auto error = net::ProxyHeaderError::none;
      const auto progress = net::parse_proxy_header({scratch.data(), *seen}, header, error);
      if (progress == net::ProxyHeaderProgress::failed)
        co_return turn_away(ConnectionRefusal::header_malformed, net::describe(error));
      if (progress == net::ProxyHeaderProgress::complete) {
        // Not a byte more: what follows may be a TLS handshake, which reads the socket itself.
        if (!stream_->take_peeked(header.size, *seen, scratch)) co_return false;
        if (header.source) {
          address_ = header.source->host();
          port_ = header.source->port();
          set_client(worker_.client_of(*entrance_, address_));
          destination_ = std::make_unique<const net::SocketAddress>(*header.destination);
        }
        co_return true;
      }
      if (*seen == 0 || stream_->hung_up())
        co_return turn_away(ConnectionRefusal::header_lost, "the connection ended within its PROXY header");
    }
    net::Wait wait(worker_.loop());
    wait.readable(*stream_).until(deadline);
    if (co_await wait == net::Cause::deadline)
      co_return turn_away(ConnectionRefusal::header_timeout, "no whole PROXY protocol header in time");
  }
}

// Counts and tells it; always false.
bool ClientConnection::turn_away(ConnectionRefusal refusal, std::string_view details) {
  worker_.counters().connections_refused_by_kind[static_cast<std::size_t>(refusal)].add();
  const bool denied =
      refusal == ConnectionRefusal::access_denied || refusal == ConnectionRefusal::unexpected_peer;
  report_refusal(denied ? FailureReason::denied : FailureReason::bad_request, details);
  return false;
}

void ClientConnection::report_refusal(FailureReason reason, std::string_view details,
                                      std::string_view limit) {
  AccessRecord record;
  record.failure = reason;
  record.failure_details = details;
  record.limit = limit;
  record.client_address = address_;
  record.client_port = port_;
  record.server_address = entrance_->view->listener_addresses[entrance_->listener];
  worker_.report(record);
}

void ClientConnection::find_client(Exchange& exchange) {
  const auto& trusted = exchange.view->trusted;
  const auto& fields = exchange.request.fields;
  exchange.peer_trusted = trusted.contains(address_);
  if (!exchange.peer_trusted) return;
  if (exchange.view->config->client_address == conf::ClientAddressFrom::forwarded) {
    exchange.forwarded = forwarded_client(fields, address_, trusted);
    exchange.client_address = exchange.forwarded.address;
  } else {
    exchange.client_address = client_address(fields, address_, trusted);
  }
  exchange.record.client_address = exchange.client_address;
}

bool ClientConnection::is_denied(Exchange& exchange) const {
  const auto* const route = exchange.route;
  if (route == nullptr && !exchange.peer_trusted) return false;
  const auto& access = route != nullptr ? route->access : exchange.view->admissions[exchange.listener].access;
  if (access.allows(exchange.client_address)) return false;
  exchange.failure_details = access_story(exchange.client_address, route != nullptr ? route->name : "");
  exchange.record.failure_details = exchange.failure_details;
  return true;
}

}  // namespace tidegate::gateway
