#include "upstream/connector.hpp"

#include <algorithm>

#include "upstream/source_address.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::upstream {
namespace {

net::ConnectionOptions with_stall(const conf::TcpKeepalive& keepalive, conf::Duration stall) {
  const auto seconds = [](conf::Duration time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time);
  };
  return {seconds(keepalive.idle), seconds(keepalive.interval), keepalive.probes, stall};
}

}  // namespace

std::optional<net::SocketAddress> socket_address(const conf::Address& address) {
  if (address.is_unix()) return net::SocketAddress::from_path(address.path);
  return net::SocketAddress::from_ip(address.host, address.port);
}

net::ConnectionOptions connection_options(const conf::Listener& listener,
                                          const std::vector<conf::Upstream>& upstreams) {
  auto stall = listener.timeouts.write_stall;
  for (const auto& upstream : upstreams) stall = std::max(stall, upstream.timeouts.write_stall);
  return with_stall(listener.keepalive, stall);
}

net::ConnectionOptions connection_options(const conf::Upstream& upstream) {
  const auto& timeouts = upstream.timeouts;
  return with_stall(upstream.keepalive, std::max(timeouts.write_stall, timeouts.connect));
}

net::Task<ConnectResult> connect(net::EventLoop& loop, const net::SocketAddress& to,
                                 const conf::Upstream& upstream, net::OpeningLimits limits) {
  // The time as a turn spreads connections over the source addresses without anything to remember.
  const auto turn = static_cast<std::size_t>(loop.now().time_since_epoch() / std::chrono::microseconds(1));
  auto socket = start_connect(to, upstream, turn);
  if (!socket) co_return ConnectResult(socket.error());
  net::error_code error;
  auto stream = net::Stream::adopt(loop, std::move(*socket), error);
  if (!stream) co_return ConnectResult(error);

  net::Wait wait(loop);
  wait.writable(*stream).until(limits.deadline);
  if (limits.client != nullptr) wait.hangup(*limits.client);
  if (limits.called_off != nullptr) wait.signal(*limits.called_off);
  const auto cause = co_await wait;
  if (cause == net::Cause::deadline) co_return ConnectResult(net::make_error(ETIMEDOUT));
  if (cause == net::Cause::hangup) co_return ConnectResult(net::make_error(ECANCELED));
  if (cause == net::Cause::signal) co_return ConnectResult(net::make_error(ESTALE));
  if (const auto refused = stream->connect_error()) co_return ConnectResult(refused);
  // A connect to a port of this machine that nobody listens on can meet itself (TCP's simultaneous open) when
  // the kernel chooses that very port as the source.
  if (to.is_loopback() && net::SocketAddress::local_of(stream->descriptor()) == to) {
    co_return ConnectResult(net::make_error(ECONNREFUSED));
  }
  co_return ConnectResult(std::move(stream));
}

net::Task<net::error_code> secure(net::Stream& stream, const net::TlsClient& tls, const std::string& host,
                                  net::OpeningLimits limits) {
  stream.secure(tls.connect(stream.descriptor(), host));
  return net::handshake(stream, limits);
}

}  // namespace tidegate::upstream
