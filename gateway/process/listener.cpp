#include "gateway/process/listener.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <spdlog/logger.h>
#include <sys/socket.h>

#include "gateway/process/worker.hpp"
#include "wire/net/socket_address.hpp"

namespace tidegate::gateway {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr int kMostRest = 65536;
constexpr std::chrono::milliseconds kPause{100};
constexpr std::chrono::seconds kSayAgain{10};

AcceptError classify(int error) {
  if (error == EMFILE || error == ENFILE) return AcceptError::out_of_descriptors;
  if (error == ENOMEM || error == ENOBUFS) return AcceptError::out_of_memory;
  return AcceptError::other;
}

}  // namespace

Listener::Listener(Worker& worker, std::uint32_t id, std::uint64_t key, net::UniqueFd socket)
    : worker_(worker),
      id_(id),
      key_(key),
      socket_(std::move(socket)),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      failing_(kSayAgain) {
  // Level-triggered: what is left after a turn is reported again. Exclusive: a Unix socket is shared by all
  // workers.
  if (const auto error = worker_.loop().watch(socket_.get(), EPOLLIN | EPOLLEXCLUSIVE, *this)) {
    worker_.error_log().error("cannot watch a listening socket: {}", error.message());
  }
}

Listener::~Listener() {
  // Closing is not enough: the descriptor of a Unix socket is one of several copies, and epoll forgets a
  // socket only with the last of them.
  worker_.loop().unwatch(socket_.get());
  worker_.loop().forget(*this);
}

void Listener::accept_rest() {
  for (int i = 0; i < kMostRest && accept_one(); ++i) continue;
}

void Listener::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    if (!accept_one()) return;
  }
}

bool Listener::accept_one() {
  net::SocketAddress peer;
  auto client = net::SocketAddress::accept(socket_.get(), peer);
  if (!client) return handle_error(errno);
  if (!worker_.has_room() &&
      !worker_.shed_connection(worker_.client_of(worker_.entrance(id_), peer.host()))) {
    worker_.counters().accept_errors_by_kind[static_cast<std::size_t>(AcceptError::over_limit)].add();
    say_over_limit();
    return true;  // closed at once: the limit of connections is reached
  }
  if (failing_.ends(worker_.now())) worker_.error_log().info("connections are accepted again");
  worker_.accept(id_, std::move(client), peer);
  return true;
}

// Once in a while, not once per connection.
void Listener::say_over_limit() {
  if (worker_.now() < over_limit_again_) return;
  over_limit_again_ = worker_.now() + kSayAgain;
  worker_.error_log().error(
      "connections are closed unanswered: a worker holds as many as it may ({}); raise connectionsPerWorker, "
      "or LimitNOFILE (ulimit -n) where that is not set",
      worker_.most_connections());
}

bool Listener::handle_error(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return false;
  // The client gave up while it waited in the queue (accept(2) names these as such).
  if (error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM) return true;
  worker_.counters().accept_errors_by_kind[static_cast<std::size_t>(classify(error))].add();
  say_failure(error);
  if ((error == EMFILE || error == ENFILE) && !make_room()) shed_one();
  pause();
  return false;
}

void Listener::say_failure(int error) {
  if (!failing_.begin_or_go_on(worker_.now())) return;
  worker_.error_log().error("accept failed: {}; pausing {} ms{}; more like it within {} s is not logged",
                            std::strerror(error), kPause.count(),
                            error == EMFILE ? ": raise LimitNOFILE or lower connectionsPerWorker" : "",
                            std::chrono::seconds(kSayAgain).count());
}

// Connections without a request go before others: their descriptors are free when accepting goes on.
bool Listener::make_room() {
  int shed = 0;
  while (shed < kAcceptsPerTurn && worker_.shed_connection()) ++shed;
  return shed > 0;
}

void Listener::shed_one() {
  reserve_.reset();
  { const net::UniqueFd shed(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Listener::pause() {
  if (paused_) return;
  paused_ = true;
  worker_.loop().unwatch(socket_.get());
  worker_.loop().wheel().arm(*this, worker_.now() + kPause);
}

void Listener::on_deadline() {
  paused_ = false;
  if (worker_.loop().watch(socket_.get(), EPOLLIN | EPOLLEXCLUSIVE, *this)) pause();
}

}  // namespace tidegate::gateway
