// A connected, non-blocking stream socket registered with a loop. Reads and writes are tried at once and
// never wait; `Wait` (wait.hpp) suspends a coroutine until they are worth trying again. In clear text or,
// once `secure` was called, under TLS: the calls are the same.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <sys/uio.h>

#include "wire/net/event_loop.hpp"
#include "wire/net/failure.hpp"
#include "wire/net/tls_session.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::net {

// Owned by one connection, exchange or tunnel of the loop's thread. 72 bytes, no buffers.
class Stream final : public Pollable {
 public:
  // Takes a non-blocking socket and registers it. nullptr and the reason in `error` if epoll refuses it.
  [[nodiscard]] static std::unique_ptr<Stream> adopt(EventLoop& loop, UniqueFd socket, error_code& error);
  Stream(EventLoop& loop, UniqueFd socket) : loop_(loop), socket_(std::move(socket)) {}
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  // Up to `into.size()` bytes; 0 is the end of the stream; `would_block` if there is nothing yet.
  [[nodiscard]] IoResult try_read(std::span<char> into);
  // Bytes written, at least one; `would_block` if the socket is full.
  [[nodiscard]] IoResult try_write(std::string_view bytes);
  [[nodiscard]] IoResult try_write(std::span<const iovec> pieces);
  // In clear text: a copy of the first bytes that wait, which stay; 0 at the end of the stream. Until more
  // come, or some are taken, the stream is not readable: a coroutine that needs more waits for that.
  [[nodiscard]] IoResult try_peek(std::span<char> into);
  // Takes the first `size` of the `seen` bytes that `try_peek` has just copied, by way of `scratch`, and not
  // one more. False if the socket has failed meanwhile.
  [[nodiscard]] bool take_peeked(std::size_t size, std::size_t seen, std::span<char> scratch);
  // Everything after this call goes through `session`, which was made for this socket. Its handshake comes
  // next.
  void secure(std::unique_ptr<TlsSession> session) { tls_ = std::move(session); }
  // One step of the handshake: `would_block` until it is over, with what to wait for in `want`.
  [[nodiscard]] error_code try_handshake(Want& want);
  // nullptr in clear text.
  [[nodiscard]] TlsSession* tls() const { return tls_.get(); }
  // The end of the stream that was read may have been forged on the way (TLS without `close_notify`).
  [[nodiscard]] bool truncated() const { return tls_ && tls_->truncated(); }

  // Sends FIN, under TLS behind a `close_notify`. Reading goes on.
  void shutdown_write();
  // Makes the close that follows send RST instead of FIN: the peer must not take what it has for whole (RFC
  // 9112 8).
  void reset_on_close();
  // An idle connection should have nothing to say: false if it was closed or has stray bytes. Session tickets
  // and the like are taken in. One system call.
  [[nodiscard]] bool is_quiet();
  // Whether something has come that was not read, an end of the stream included. Takes nothing. One system
  // call.
  [[nodiscard]] bool has_arrivals() const;
  // Takes the socket out of the loop: nobody is woken until `resume`. For a socket that another process may
  // take over, whose events this one would go on to get.
  void pause();
  [[nodiscard]] error_code resume();
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
  [[nodiscard]] IoResult read_secure(std::span<char> into);
  [[nodiscard]] IoResult write_secure(std::span<const iovec> pieces);
  [[nodiscard]] error_code write_failed(const error_code& error);

  EventLoop& loop_;
  UniqueFd socket_;
  bool readable_ = false;
  bool writable_ = false;
  bool hung_up_ = false;
  // TLS may have to write before it can read on, and the reverse.
  bool read_needs_room_ = false;
  bool write_needs_bytes_ = false;
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace tidegate::net
