#include "tests/support/scripted_backend.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "wire/net/socket_address.hpp"

namespace tidegate::test {
namespace {

constexpr int kBacklog = 1024;

net::UniqueFd bind_to(const net::SocketAddress& address) {
  net::UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), address.data(), address.size()) != 0) {
    throw Unexpected("bind to " + address.text() + ": " + std::strerror(errno));
  }
  return socket;
}

}  // namespace

ScriptedBackend::ScriptedBackend(const std::string& address) : wake_(::eventfd(0, EFD_CLOEXEC)) {
  if (address.starts_with("unix:")) {
    path_ = address.substr(5);
    address_ = address;
    family_ = AF_UNIX;
  } else {
    const auto any = net::SocketAddress::from_ip(address, 0);
    if (!any) throw Unexpected("not an address: " + address);
    family_ = any->family();
    reservation_ = bind_to(*any);
    const auto bound = net::SocketAddress::local_of(reservation_.get());
    port_ = bound.port();
    address_ = bound.text();
  }
  listen();
}

ScriptedBackend::~ScriptedBackend() {
  refuse();
  if (!path_.empty()) ::unlink(path_.c_str());
  {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : served_) {
      if (const auto alive = connection.lock()) ::shutdown(alive->fd(), SHUT_RDWR);
    }
  }
  for (auto& thread : threads_) thread.join();
}

// === step by step ===

bool ScriptedBackend::has_connection(std::chrono::milliseconds within) {
  pollfd watched{listener_.get(), POLLIN, 0};
  return listener_ && ::poll(&watched, 1, static_cast<int>(within.count())) > 0;
}

RawSocket ScriptedBackend::accept() {
  if (!has_connection(kPatience)) throw Unexpected("waited in vain for a connection to " + address_);
  net::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) throw Unexpected(std::string("accept: ") + std::strerror(errno));
  ++accepted_;
  return RawSocket(std::move(socket));
}

RawSocket ScriptedBackend::answer_one(std::string_view answer) {
  auto connection = accept();
  (void)connection.read_request();
  connection.send(answer);
  return connection;
}

// === by script ===

void ScriptedBackend::serve(Script script) {
  stop_serving();
  script_ = std::move(script);
  if (listener_) acceptor_ = std::thread([this] { accept_all(); });
}

void ScriptedBackend::accept_all() {
  for (;;) {
    pollfd watched[2]{{listener_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    ::poll(watched, 2, -1);
    if (watched[1].revents != 0) return;
    net::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) continue;
    ++accepted_;
    auto connection = std::make_shared<RawSocket>(std::move(socket));
    const std::lock_guard lock(mutex_);
    served_.push_back(connection);
    most_ = std::max(most_.load(), count_open());
    threads_.emplace_back([this, connection]() mutable { run(std::move(connection)); });
  }
}

void ScriptedBackend::run(std::shared_ptr<RawSocket> connection) {
  try {
    script_(*connection);
  } catch (const std::exception& failure) {
    const std::lock_guard lock(mutex_);
    failures_.emplace_back(failure.what());
  }
  const std::lock_guard lock(mutex_);
  connection.reset();
}

int ScriptedBackend::count_open() {
  const auto is_open = [](const std::weak_ptr<RawSocket>& served) {
    const auto connection = served.lock();
    if (!connection) return false;
    pollfd watched{connection->fd(), POLLRDHUP, 0};
    return ::poll(&watched, 1, 0) == 0;
  };
  return static_cast<int>(std::count_if(served_.begin(), served_.end(), is_open));
}

std::vector<std::string> ScriptedBackend::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

void ScriptedBackend::stop_serving() {
  if (!acceptor_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  acceptor_.join();
  std::uint64_t drained = 0;
  (void)!::read(wake_.get(), &drained, sizeof drained);
}

// === the listening socket ===

void ScriptedBackend::refuse() {
  stop_serving();
  crowd_.clear();
  listener_.reset();
}

void ScriptedBackend::listen() {
  refuse();
  if (path_.empty()) {
    listener_ = bind_to(net::SocketAddress::local_of(reservation_.get()));
  } else {
    ::unlink(path_.c_str());
    listener_ = bind_to(*net::SocketAddress::from_path(path_));
  }
  if (::listen(listener_.get(), kBacklog) != 0) {
    throw Unexpected("listen at " + address_ + ": " + std::strerror(errno));
  }
  if (script_) acceptor_ = std::thread([this] { accept_all(); });
}

void ScriptedBackend::ignore_connects() {
  refuse();
  const auto address = net::SocketAddress::local_of(reservation_.get());
  listener_ = bind_to(address);
  ::listen(listener_.get(), 0);
  // The kernel drops a SYN once the queue holds more than the backlog (tcp_v4_conn_request).
  for (int i = 0; i < 16; ++i) {
    net::UniqueFd socket(::socket(family_, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(socket.get(), address.data(), address.size()) != 0 && errno != EINPROGRESS) {
      throw Unexpected("connect to " + address_);
    }
    pollfd watched{socket.get(), POLLOUT, 0};
    const bool connected = ::poll(&watched, 1, 100) > 0;
    crowd_.push_back(std::move(socket));
    if (!connected) return;
  }
  throw Unexpected("the queue of " + address_ + " does not fill");
}

void ScriptedBackend::release_connects() {
  crowd_.pop_back();                    // the one that was not let in asks no more
  ::listen(listener_.get(), kBacklog);  // on a listening socket this changes the size of its queue
  for (std::size_t i = 0; i < crowd_.size(); ++i) {
    const net::UniqueFd member(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  crowd_.clear();
}

// === answers ===

std::string ok(std::string_view body, std::string_view fields) {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return answer.append(fields).append("\r\n").append(body);
}

ScriptedBackend::Script answer_all(std::string body) {
  return [answer = ok(body)](RawSocket& connection) {
    while (!connection.at_end()) {
      (void)connection.read_request();
      connection.send(answer);
    }
  };
}

}  // namespace tidegate::test
