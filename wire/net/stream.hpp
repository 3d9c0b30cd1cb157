// A connected, non-blocking stream socket registered with a loop. Reads and writes are tried at once and
// never wait; `Wait` (wait.hpp) suspends a coroutine until they are worth trying again. Clear text now; TLS
// joins behind the same calls, on the socket itself.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "wire/net/event_loop.hpp"
#include "wire/net/failure.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::net {

// Owned by one connection, exchange or tunnel of the loop's thread. 64 bytes, no buffers.
class Stream final : public Pollable {
 public:
  // Takes a non-blocking socket and registers it. nullptr and the reason in `error` if epoll refuses it.
  [[nodiscard]] static std::unique_ptr<Stream> adopt(EventLoop& loop, UniqueFd socket, error_code& error);
  Stream(EventLoop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { loop_.forget(*this); }

  // Up to `into.size()` bytes; 0 is the end of the stream; `would_block` if there is nothing yet.
  [[nodiscard]] IoResult try_read(std::span<char> into);
  // Bytes written, at least one; `would_block` if the socket is full.
  [[nodiscard]] IoResult try_write(std::string_view bytes);
  [[nodiscard]] IoResult try_write(std::span<const iovec> pieces);
  // Sends FIN. Reading goes on.
  void shutdown_write();
  // Makes the close that follows send RST instead of FIN: the peer must not take what it has for whole (RFC
  // 9112 8).
  void reset_on_close();
  // An idle connection should have nothing to say: false if it was closed or has stray bytes. One system
  // call.
  [[nodiscard]] bool is_quiet() const;
  // The outcome of a non-blocking connect.
  [[nodiscard]] error_code connect_error() const;

  [[nodiscard]] bool readable() const { return readable_; }
  [[nodiscard]] bool writable() const { return writable_; }
  // The peer has sent FIN or RST; bytes may still be waiting.
  [[nodiscard]] bool hung_up() const { return hung_up_; }

  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] EventLoop& loop() const { return loop_; }

  // Who is woken when the stream turns readable, writable or is hung up; each at most one, nullptr for none.
  // Levels, not edges: set a waiter only after looking at the flags above.
  Waiter* reader = nullptr;
  Waiter* writer = nullptr;
  Waiter* hangup_watcher = nullptr;

 private:
  void on_ready(std::uint32_t events) override;

  EventLoop& loop_;
  UniqueFd socket_;
  bool readable_ = false;
  bool writable_ = false;
  bool hung_up_ = false;
};

}  // namespace tidegate::net
