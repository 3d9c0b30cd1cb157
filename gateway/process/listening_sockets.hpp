// The listening sockets of the process. They outlive changes of the configuration and of the number of
// workers: closing one resets the connections in its queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conf/config.hpp"
#include "gateway/process/inherited_sockets.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

class Worker;

// The file of a Unix socket: removed at the end of whoever owns it.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(std::string path) : path_(std::move(path)) {}
  SocketFile(SocketFile&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  SocketFile& operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~SocketFile();

  // It stays.
  void leave() { path_.clear(); }

 private:
  std::string path_;
};

// Owned by control, which keeps every socket; workers accept from copies of the descriptors. There are at
// least as many sockets of a listener as workers that serve (SO_REUSEPORT; of a Unix socket there are
// copies, and of one that others cannot stand beside); where there are fewer workers than that, some accept
// from several.
class ListeningSockets {
 public:
  // What was inherited is used where it has a listener's address, in place of opening it. `held`: until
  // `own_files` no socket is opened beside those, since clients would wait in its queue.
  explicit ListeningSockets(InheritedSockets inherited = {}, bool held = false)
      : inherited_(std::move(inherited)), held_(held) {}
  ListeningSockets(const ListeningSockets&) = delete;
  ListeningSockets& operator=(const ListeningSockets&) = delete;

  // One listener and its sockets.
  struct Entry {
    struct Socket {
      net::UniqueFd descriptor;
      net::UniqueFd copy;  // for its first owner: having one must not fail later
      std::uint64_t key = 0;
      Worker* owner = nullptr;  // accepts from it
    };
    std::uint32_t id = 0;      // see WorkerView::listener_ids
    net::SocketAddress bound;  // with the port that 0 has become
    SocketFile file;
    bool lent = false;            // see InheritedSockets
    std::string inherited_file;   // of a Unix socket; not removed before `own_files`
    std::vector<Socket> sockets;  // none: its family is not there, and it may be missing
  };
  // What a configuration needs that is not there yet.
  struct Plan {
    std::vector<Entry> entries;  // by index of the listener; those that stay have only their new sockets
    std::vector<std::optional<std::size_t>> before;  // see ConfigDiff
  };

  // Opens what `config` needs for so many workers. Throws std::runtime_error with a sentence that names the
  // address and what to do; then nothing has changed.
  [[nodiscard]] Plan prepare(const conf::Config& config, std::vector<std::optional<std::size_t>> before,
                             std::size_t workers);
  // Puts a plan in force: the numbers of its listeners, in their order. What it does not have any more is
  // given up here; workers still have their copies and serve what waits.
  std::vector<std::uint32_t> take(Plan plan, const conf::Config& config);
  // Spreads the sockets over the workers that serve, after these have the view: what somebody has already
  // stays with him as far as possible.
  void spread(const std::vector<Worker*>& serving);
  // Gives all sockets up, before the workers stop accepting. A plan whose listeners are all the same opens
  // them again.
  void close();

  // Copies of all sockets for another process, and of each whether it was lent (see InheritedSockets). Throws
  // std::runtime_error if no descriptor is left.
  void copy_to(std::vector<net::UniqueFd>& copies, std::vector<std::uint8_t>& lent) const;
  // The other process has them: as `close`, but the files of Unix sockets stay.
  void hand_over();
  // The files of inherited Unix sockets are this process's from now on: whoever had them before has gone.
  void own_files();

  // Closes what was inherited and has been no listener's so far; gives the addresses.
  std::vector<std::string> close_unclaimed() { return inherited_.close_unclaimed(); }

  // The numbers of the listeners, in their order.
  [[nodiscard]] std::vector<std::uint32_t> ids() const;

  // The port of a listener by its index; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port(std::size_t listener) const { return entries_[listener].bound.port(); }

 private:
  static void own_file(Entry& entry);
  void inherit(Entry& entry, const conf::Config& config, std::size_t index);
  [[nodiscard]] net::UniqueFd open_first(Entry& entry, const conf::Config& config, std::size_t index) const;
  void add(Entry& entry, net::UniqueFd socket, const conf::Config& config, std::size_t index);
  [[nodiscard]] bool has_port(const net::SocketAddress& at) const;

  InheritedSockets inherited_;
  bool held_;
  std::vector<Entry> entries_;  // by index of the listener
  std::uint32_t last_id_ = 0;
  std::uint64_t last_key_ = 0;
};

}  // namespace tidegate::gateway
