// A socket in the hands of a test: exact bytes out, exact bytes in, every wait with a deadline. What does not
// happen in time, or an end of stream where bytes are expected, throws Unexpected.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/message.hpp"
#include "tests/support/patience.hpp"
#include "wire/net/tls_session.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::test {

// How the peer ended a stream.
enum class StreamEnd : std::uint8_t { orderly, reset };

// Owned by one thread at a time. Movable.
class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(net::UniqueFd fd);
  explicit operator bool() const { return static_cast<bool>(fd_); }
  ~RawSocket();
  RawSocket(RawSocket&&) = default;
  RawSocket& operator=(RawSocket&&) = default;
  // Speaks TLS from now on; `ssl` is set to accept or to connect. Throws Unexpected with OpenSSL's reason.
  void secure(net::SslPtr ssl);
  [[nodiscard]] SSL* ssl() const { return tls_ ? tls_->ssl.get() : nullptr; }
  // Another end of the same connection, for a thread that reads while this one writes.
  [[nodiscard]] RawSocket copy() const;
  [[nodiscard]] int fd() const { return fd_.get(); }
  // The waits of this socket from now on; `kPatience` before.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  // === sending ===

  void send(std::string_view bytes);
  // False if the peer does not take them: its end is gone, or it reads no more for the whole patience.
  [[nodiscard]] bool try_send(std::string_view bytes);
  // Each piece leaves on its own, and the next only once the peer's kernel has taken the one before.
  void send_split(std::initializer_list<std::string_view> pieces);
  void send_split(std::string_view bytes, std::size_t piece_size);
  // How much of `bytes` can be sent before the peer has not read for `quiet`: the measure of what lies
  // between the two ends.
  [[nodiscard]] std::size_t send_until_stuck(std::string_view bytes, std::chrono::milliseconds quiet);

  // === receiving ===

  // Through the first `end`, which is included; what came behind it stays for the next read.
  [[nodiscard]] std::string read_until(std::string_view end);
  // A head with its empty line.
  [[nodiscard]] std::string read_head() { return read_until("\r\n\r\n"); }
  [[nodiscard]] std::string read_exactly(std::size_t size);
  // Reads exactly these bytes or throws with what came instead.
  void expect(std::string_view bytes);
  // Whatever has come already or comes next: at least one byte, or "" at the end of the stream.
  [[nodiscard]] std::string read_some();
  // Everything up to the end, which may be a reset; `end` tells.
  [[nodiscard]] std::string read_to_end(StreamEnd* end = nullptr);
  // Waits for the end of the stream; throws if a byte comes before it.
  StreamEnd expect_end();
  // Waits for the next byte (false) or the end of the stream (true), however long it takes: for scripts that
  // serve until the peer goes.
  [[nodiscard]] bool at_end();
  // Bytes or an end wait to be read, or come within the time.
  [[nodiscard]] bool has_input(std::chrono::milliseconds within = std::chrono::milliseconds(0));

  // One whole answer, its body decoded. `to_head`: it answers a HEAD and has no body. 1xx answers are
  // answers of their own.
  [[nodiscard]] Answer read_answer(bool to_head = false);
  // One whole request, its body decoded.
  [[nodiscard]] Request read_request();

  // === ending ===

  // FIN: no more bytes from here.
  void half_close();
  // RST, whatever is underway.
  void reset();
  void close();

  // Bytes taken from the socket so far, looked at or not.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  struct Tls {
    net::SslPtr ssl;
    std::mutex mutex;  // around every call: copies share it
  };

  // One call of the socket, or of TLS on it; -1 with errno.
  [[nodiscard]] ssize_t read_once(char* into, std::size_t size);
  [[nodiscard]] ssize_t write_once(std::string_view bytes);
  [[nodiscard]] ssize_t failed(int result) const;
  // Bytes that TLS has taken from the socket already.
  [[nodiscard]] bool has_pending() const;
  // Reads once into `unread_`; empty on success.
  [[nodiscard]] std::optional<StreamEnd> fill(std::string_view purpose);
  void wait_for(short events, std::string_view purpose);
  void read_body(Message& message, bool until_end);
  void read_chunks(Message& message);

  net::UniqueFd fd_;
  std::shared_ptr<Tls> tls_;
  std::string unread_;
  std::uint64_t received_ = 0;
  std::optional<StreamEnd> ended_;  // the kernel tells a reset only once
  std::chrono::milliseconds patience_ = kPatience;
};

}  // namespace tidegate::test
