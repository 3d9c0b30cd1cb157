#include "gateway/process/listening_sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "gateway/process/surroundings.hpp"
#include "gateway/process/worker.hpp"
#include "upstream/connector.hpp"

namespace tidegate::gateway {
namespace {

std::string advice(int error, const conf::Address& address) {
  if (error == EADDRINUSE) return "; another process listens there: end it or choose another address";
  if (error == EACCES && !address.is_unix()) {
    return "; ports below 1024 need CAP_NET_BIND_SERVICE (setcap cap_net_bind_service+ep, or the systemd "
           "unit)";
  }
  if (error == EACCES) return "; the directory of the socket is not writable for this user";
  if (error == EADDRNOTAVAIL) return "; no interface of this machine has that address";
  return "";
}

[[noreturn]] void fail(const conf::Config& config, std::size_t index, const std::string& why) {
  const auto key = listener_key(config, index);
  const auto address = config.listeners[index].address.text();
  throw std::runtime_error(
      conf::ConfigError{key.place, key.path, "cannot listen on " + address + ": " + why}.text());
}

[[noreturn]] void fail(const conf::Config& config, std::size_t index, const net::error_code& error) {
  fail(config, index, error.message() + advice(error.value(), config.listeners[index].address));
}

boost::system::result<net::UniqueFd, net::error_code> copy_of(int descriptor) {
  net::UniqueFd copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy) return net::make_error(errno);
  return copy;
}

bool has_file(const conf::Address& address) {
  return address.is_unix() && !address.path.starts_with('@');
}

bool shares_port(int socket) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &value, &size) == 0 && value != 0;
}

// Another one for a further worker: with a queue of its own if the kernel lets it stand beside the first.
// That may have been handed over without SO_REUSEPORT, by another user (whose ports are not shared with us),
// or for a port that needs a privilege which we do not have; then workers accept from one queue.
boost::system::result<net::UniqueFd, net::error_code> further(int first, const conf::Listener& listener,
                                                              const net::ConnectionOptions& options) {
  if (listener.address.is_unix() || !shares_port(first)) return copy_of(first);
  auto socket = net::open_listener(net::SocketAddress::local_of(first), listener.backlog,
                                   net::PortSharing::shared, options);
  const int error = socket ? 0 : socket.error().value();
  return error == EADDRINUSE || error == EACCES ? copy_of(first) : std::move(socket);
}

}  // namespace

SocketFile::~SocketFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

// One of our own listens at that port: at another address of it, which need not stay.
bool ListeningSockets::has_port(const net::SocketAddress& at) const {
  return at.family() != AF_UNIX && at.port() != 0 &&
         std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
           return !entry.sockets.empty() && entry.bound.family() != AF_UNIX &&
                  entry.bound.port() == at.port();
         });
}

// All that were handed over for this listener: clients may wait in each one's queue.
void ListeningSockets::inherit(Entry& entry, const conf::Config& config, std::size_t index) {
  const auto& listener = config.listeners[index];
  auto found = inherited_.take(entry.bound);
  if (!found) fail(config, index, found.error());
  const auto options = upstream::connection_options(listener, config.upstreams);
  entry.lent = found->lent;
  if (!found->sockets.empty() && !found->lent && has_file(listener.address)) {
    entry.inherited_file = listener.address.path;
    if (!held_) own_file(entry);
  }
  for (auto& socket : found->sockets) {
    net::adjust_listener(socket.get(), listener.backlog, options);
    add(entry, std::move(socket), config, index);
  }
}

net::UniqueFd ListeningSockets::open_first(Entry& entry, const conf::Config& config,
                                           std::size_t index) const {
  const auto& listener = config.listeners[index];
  const auto options = upstream::connection_options(listener, config.upstreams);
  auto socket = net::open_listener(entry.bound, listener.backlog, net::PortSharing::exclusive, options);
  // 0.0.0.0:80 in place of 127.0.0.1:80: what stands in the way is our own, and shares its port.
  if (!socket && socket.error().value() == EADDRINUSE && has_port(entry.bound))
    socket = net::open_listener(entry.bound, listener.backlog, net::PortSharing::shared, options);
  if (!socket && inherited_.take_ipv4(entry.bound)) {
    fail(config, index,
         "the socket that was handed over for [::] takes IPv4 as well; its unit needs "
         "BindIPv6Only=ipv6-only, and one more ListenStream for this address");
  }
  if (!socket) fail(config, index, socket.error());
  entry.bound = net::SocketAddress::local_of(socket->get());
  if (has_file(listener.address)) entry.file = SocketFile(listener.address.path);
  return std::move(*socket);
}

void ListeningSockets::add(Entry& entry, net::UniqueFd socket, const conf::Config& config,
                           std::size_t index) {
  auto copy = copy_of(socket.get());
  if (!copy) fail(config, index, copy.error());
  entry.sockets.push_back({std::move(socket), std::move(*copy), ++last_key_, nullptr});
}

ListeningSockets::Plan ListeningSockets::prepare(const conf::Config& config,
                                                 std::vector<std::optional<std::size_t>> before,
                                                 std::size_t workers) {
  Plan plan;
  plan.before = std::move(before);
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const auto& listener = config.listeners[i];
    auto& entry = plan.entries.emplace_back();
    const auto address = upstream::socket_address(listener.address);
    if (!address) fail(config, i, "not a usable address");
    if (listener.optional_family && !net::family_available(address->family())) continue;
    const Entry* const stays = plan.before[i] ? &entries_[*plan.before[i]] : nullptr;
    std::size_t have = stays != nullptr ? stays->sockets.size() : 0;
    entry.bound = stays != nullptr && stays->bound.size() > 0 ? stays->bound : *address;
    if (have == 0) {
      inherit(entry, config, i);
      if (entry.sockets.empty()) add(entry, open_first(entry, config, i), config, i);
      have = entry.sockets.size();
    }
    const int first = (entry.sockets.empty() ? stays->sockets : entry.sockets).front().descriptor.get();
    const auto options = upstream::connection_options(listener, config.upstreams);
    for (; have < workers; ++have) {
      auto socket = held_ ? copy_of(first) : further(first, listener, options);
      if (!socket) fail(config, i, socket.error());
      add(entry, std::move(*socket), config, i);
    }
  }
  return plan;
}

std::vector<std::uint32_t> ListeningSockets::take(Plan plan, const conf::Config& config) {
  auto old = std::exchange(entries_, {});
  std::vector<std::uint32_t> ids;
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    auto& entry = plan.entries[i];
    const auto from = plan.before[i];
    if (from && old[*from].sockets.empty()) {
      entry.id = old[*from].id;
    } else if (from) {
      auto stays = std::move(old[*from]);
      const auto& listener = config.listeners[i];
      const auto options = upstream::connection_options(listener, config.upstreams);
      for (auto& socket : stays.sockets)
        net::adjust_listener(socket.descriptor.get(), listener.backlog, options);
      std::move(entry.sockets.begin(), entry.sockets.end(), std::back_inserter(stays.sockets));
      entry = std::move(stays);
    } else {
      entry.id = ++last_id_;
    }
    ids.push_back(entry.id);
  }
  entries_ = std::move(plan.entries);
  return ids;
}

void ListeningSockets::spread(const std::vector<Worker*>& serving) {
  for (auto& entry : entries_) {
    for (std::size_t i = 0; i < entry.sockets.size(); ++i) {
      auto& socket = entry.sockets[i];
      auto* const worker = serving[i % serving.size()];
      auto* const before = std::exchange(socket.owner, worker);
      if (before == worker) continue;
      auto copy = std::move(socket.copy);
      if (!copy) copy = net::UniqueFd(::fcntl(socket.descriptor.get(), F_DUPFD_CLOEXEC, 0));
      if (!copy) {  // no descriptor is left: it stays where it is
        socket.owner = before;
        continue;
      }
      worker->post([worker, id = entry.id, key = socket.key, fd = copy.release()] {
        worker->listen(id, key, net::UniqueFd(fd));
      });
      if (before != nullptr) before->post([before, key = socket.key] { before->unlisten(key); });
    }
  }
}

void ListeningSockets::copy_to(std::vector<net::UniqueFd>& copies, std::vector<std::uint8_t>& lent) const {
  for (const auto& entry : entries_) {
    for (const auto& socket : entry.sockets) {
      auto copy = copy_of(socket.descriptor.get());
      if (!copy) throw std::runtime_error("cannot copy a listening socket: " + copy.error().message());
      copies.push_back(std::move(*copy));
      lent.push_back(entry.lent ? 1 : 0);
    }
  }
}

void ListeningSockets::hand_over() {
  for (auto& entry : entries_) entry.file.leave();
  close();
}

void ListeningSockets::own_files() {
  held_ = false;
  for (auto& entry : entries_) own_file(entry);
}

void ListeningSockets::own_file(Entry& entry) {
  if (!entry.inherited_file.empty()) entry.file = SocketFile(std::exchange(entry.inherited_file, {}));
}

void ListeningSockets::close() {
  for (auto& entry : entries_) {
    entry.file = {};
    entry.sockets.clear();
  }
}

std::vector<std::uint32_t> ListeningSockets::ids() const {
  std::vector<std::uint32_t> ids;
  for (const auto& entry : entries_) ids.push_back(entry.id);
  return ids;
}

}  // namespace tidegate::gateway
