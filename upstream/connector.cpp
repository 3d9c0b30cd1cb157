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

constexpr std::chrono::milliseconds kAttemptDelay{250};  // RFC 8305 8

ConnectResult begin(net::EventLoop& loop, const net::SocketAddress& to, const conf::Upstream& upstream) {
  // The time as a turn spreads connections over the source addresses without anything to remember.
  const auto turn = static_cast<std::size_t>(loop.now().time_since_epoch() / std::chrono::microseconds(1));
  auto socket = start_connect(to, upstream, turn);
  if (!socket) return socket.error();
  net::error_code error;
  auto stream = net::Stream::adopt(loop, std::move(*socket), error);
  if (!stream) return error;
  return stream;
}

void heed(net::Wait& wait, const net::OpeningLimits& limits) {
  if (limits.client != nullptr) wait.hangup(*limits.client);
  if (limits.called_off != nullptr) wait.signal(*limits.called_off);
}

net::error_code error_of(net::Cause cause) {
  switch (cause) {
    case net::Cause::hangup: return net::make_error(ECANCELED);
    case net::Cause::signal: return net::make_error(ESTALE);
    default: return net::make_error(ETIMEDOUT);
  }
}

// What a connect came to that is no longer under way.
ConnectResult connected(std::unique_ptr<net::Stream> stream, const net::SocketAddress& to) {
  if (const auto refused = stream->connect_error()) return refused;
  // A connect to a port of this machine that nobody listens on can meet itself (TCP's simultaneous open) when
  // the kernel chooses that very port as the source.
  if (to.is_loopback() && net::SocketAddress::local_of(stream->descriptor()) == to)
    return net::make_error(ECONNREFUSED);
  return stream;
}

net::error_code fault_of(const ConnectResult& result) {
  return result ? net::error_code() : result.error();
}

// Named: gcc 12 copies a brace-made temporary in a coroutine byte by byte.
EitherConnected either(ConnectResult stream, bool second_taken, const net::error_code& fault_of_other) {
  EitherConnected made{std::move(stream), second_taken, {}, {}};
  (second_taken ? made.first_fault : made.second_fault) = fault_of_other;
  return made;
}
EitherConnected neither(const net::error_code& why, const net::error_code& first_fault,
                        const net::error_code& second_fault) {
  return {why, false, first_fault, second_fault};
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
  auto stream = begin(loop, to, upstream);
  if (!stream) co_return std::move(stream);
  net::Wait wait(loop);
  wait.writable(**stream).until(limits.deadline);
  heed(wait, limits);
  const auto cause = co_await wait;
  if (cause != net::Cause::writable) co_return ConnectResult(error_of(cause));
  co_return connected(std::move(*stream), to);
}

net::Task<EitherConnected> connect_to_either(net::EventLoop& loop, const net::SocketAddress& first,
                                             const net::SocketAddress& second, const conf::Upstream& upstream,
                                             net::OpeningLimits limits) {
  auto early = begin(loop, first, upstream);
  if (early) {
    net::Wait alone(loop);
    alone.writable(**early).until(std::min(limits.deadline, loop.now() + kAttemptDelay));
    heed(alone, limits);
    const auto cause = co_await alone;
    if (cause == net::Cause::writable) {
      early = connected(std::move(*early), first);
    } else if (cause != net::Cause::deadline) {
      co_return neither(error_of(cause), {}, {});
    } else if (loop.now() >= limits.deadline) {
      early = error_of(cause);
    }
    if (cause == net::Cause::writable && early) co_return either(std::move(early), false, {});
  }
  if (!early) co_return neither(early.error(), early.error(), {});  // at once: nothing was lost by it

  auto late = begin(loop, second, upstream);
  while (early || late) {
    net::Wait wait(loop);
    if (early) wait.writable(**early);
    if (late && early) wait.or_writable(**late);
    if (late && !early) wait.writable(**late);
    wait.until(limits.deadline);
    heed(wait, limits);
    const auto cause = co_await wait;
    if (cause == net::Cause::hangup || cause == net::Cause::signal)
      co_return neither(error_of(cause), fault_of(early), fault_of(late));
    if (cause == net::Cause::deadline) {
      if (early) early = error_of(cause);
      if (late) late = error_of(cause);
      break;
    }
    if (late && (*late)->writable()) late = connected(std::move(*late), second);
    if (late && (*late)->writable()) co_return either(std::move(late), true, fault_of(early));
    if (early && (*early)->writable()) early = connected(std::move(*early), first);
    if (early && (*early)->writable()) co_return either(std::move(early), false, fault_of(late));
  }
  co_return neither(early.error(), early.error(), late.error());
}

net::Task<net::error_code> secure(net::Stream& stream, const net::TlsClient& tls, const std::string& host,
                                  net::OpeningLimits limits) {
  stream.secure(tls.connect(stream.descriptor(), host));
  return net::handshake(stream, limits);
}

}  // namespace tidegate::upstream
