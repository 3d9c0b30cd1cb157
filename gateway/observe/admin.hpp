// The admin listener: readiness, liveness, metrics and endpoints over HTTP/1.1, on the control thread. It
// keeps a few descriptors for itself, so that it answers when the process has no more.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "conf/config.hpp"
#include "wire/net/unique_fd.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::gateway {

struct AdminReply {
  int status = 200;
  std::string content_type;
  std::string body;
};
using AdminReplyTo = std::function<void(AdminReply)>;

// Where the answers come from; called on the io_context's thread, never after the `Admin` is destroyed.
struct AdminSource {
  std::function<bool(std::string& why)> ready;  // false: `why` says what is missing
  std::function<std::string()> metrics;         // Prometheus text
  std::function<std::string()> endpoints;       // JSON
  // Takes requests that `answer` does not know, and all that change something: a method (`GET`, `POST`) and a
  // target. It calls back once, at once or later. Null: this listener only reads.
  std::function<void(std::string_view method, std::string_view target, AdminReplyTo)> command = {};
};

struct AdminLimits {
  std::size_t connections = 64;             // above that the longest idle one is closed for a new one
  std::chrono::milliseconds header{5'000};  // first byte to the end of the head, in total
  std::chrono::milliseconds idle{30'000};   // between two requests, and before the first
  std::chrono::milliseconds write{10'000};
};

// Used on the io_context's thread only. Open connections are closed when it is destroyed; handlers that are
// still queued then do nothing.
class Admin {
 public:
  // Listens at once; a Unix socket that takes commands has mode 0600. Throws std::runtime_error with a
  // sentence that names the address and what to do. A Unix socket left behind by a dead process is replaced,
  // a live one is not.
  // `inherited`, if there is one, listens there already; the file of a Unix socket stays at the end, until
  // `own_file`.
  Admin(boost::asio::io_context& context, const conf::Address& address, AdminSource source,
        AdminLimits limits = {}, net::UniqueFd inherited = {});
  ~Admin();
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  // The port it listens on, also when 0 was asked for; 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const;
  // Of the listening socket. Throws std::runtime_error if no descriptor is left.
  [[nodiscard]] net::UniqueFd copy_of_socket() const;
  // Another process has a copy and listens on: this one accepts no more, and leaves a Unix socket's file.
  // Open connections go on.
  void hand_over();
  void own_file();

 private:
  class Server;
  std::shared_ptr<Server> server_;
};

}  // namespace tidegate::gateway
