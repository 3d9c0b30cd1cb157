// One downstream connection: reads request heads and answers them in order (RFC 9112 9.3). Between two
// requests it holds no buffer and no exchange.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "gateway/exchange/exchange.hpp"
#include "gateway/process/entrance.hpp"
#include "gateway/process/idle_queue.hpp"
#include "wire/net/buffer.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/stream.hpp"
#include "wire/net/task.hpp"

namespace tidegate::gateway {

class Worker;

// Owned by its worker, which it asks to be retired when it has ended.
class ClientConnection final : public IdleNode {
 public:
  ClientConnection(Worker& worker, EntrancePtr entrance, std::unique_ptr<net::Stream> stream,
                   const net::SocketAddress& peer);
  ~ClientConnection();
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  void start();
  // Ends it now if it waits for a request and none has arrived; one in progress is answered first, with
  // `Connection: close`. True if it ends.
  bool close_if_idle();
  // For another that has no room: by 408 where a head has begun, otherwise without a word.
  bool give_way() override;
  // Ends it now, whatever it does. A client in the middle of an answer sees a reset, never an orderly end.
  void abandon();

  // --- for the exchange in progress ---
  [[nodiscard]] net::Stream& stream() { return *stream_; }
  [[nodiscard]] std::unique_ptr<net::Stream> release_stream() { return std::move(stream_); }
  // At the limits of its client; a tunnel takes them along with the stream.
  [[nodiscard]] LimitPlaces& places() { return places_; }
  [[nodiscard]] net::Buffer& in() { return in_; }
  // Where the client connected to: as a balancer has said, else this end of the connection.
  [[nodiscard]] net::SocketAddress destination() const {
    return destination_ ? *destination_ : net::SocketAddress::local_of(stream_->descriptor());
  }
  [[nodiscard]] const conf::Listener& settings(const Exchange& exchange) const {
    return exchange.view->config->listeners[exchange.listener];
  }
  // What it came in by is closed, or the worker stops: no further request is taken.
  [[nodiscard]] bool is_leaving() const;
  [[nodiscard]] const Entrance& entrance() const { return *entrance_; }
  // Its first request has come.
  [[nodiscard]] bool has_served() const { return served_; }

  std::size_t slot = 0;  // its place in the worker's list
  bool retired = false;  // the worker has been asked already

 private:
  enum class HeadRead : std::uint8_t { complete, refused, silent_end };

  net::Task<> run();

  // --- who the client is (introduction.cpp) ---
  // Hears a balancer out and looks at the listener's access list. False: the connection is to be closed.
  net::Task<bool> introduce();
  net::Task<bool> read_proxy_header(const conf::Listener& settings);
  // A line in the error log about a client that never came to a request.
  void report_refusal(FailureReason reason, std::string_view details, std::string_view limit = {});
  [[nodiscard]] bool turn_away(ConnectionRefusal refusal, std::string_view details);
  void find_client(Exchange& exchange);
  // The listener's access list, where the peer is a proxy and the client only known by the request; or the
  // route's. If so, the record says which of them.
  [[nodiscard]] bool is_denied(Exchange& exchange) const;

  // Whether the client knows a name and password of the route's (authentication.cpp): `none` if so, else why
  // not.
  net::Task<FailureReason> authenticate(Exchange& exchange);
  // False if the client has all the connections that the limits grant it.
  bool has_room_for_client();
  net::Task<bool> secure();
  net::Task<bool> wait_for_request();
  net::Task<After> serve(Exchange& exchange);
  net::Task<After> refuse_unread(Exchange& exchange);
  net::Task<HeadRead> read_head(Exchange& exchange, FailureReason& reason);
  net::Task<After> answer(Exchange& exchange);
  net::Task<After> answer_challenge(Exchange& exchange);
  net::Task<After> send_to_tls(Exchange& exchange);
  net::Task<After> refuse(Exchange& exchange, FailureReason reason, std::string_view details,
                          int retry_after_seconds = 1);
  net::Task<After> send_out(Exchange& exchange, bool keep_alive);
  net::Task<> linger();
  void begin_record(Exchange& exchange);
  void describe_request(Exchange& exchange);
  [[nodiscard]] bool is_challenge(const Exchange& exchange) const;
  [[nodiscard]] bool fits_handshake(const Exchange& exchange) const;
  // What the request asks for; `none` and `details` empty if it can be served.
  [[nodiscard]] FailureReason examine(Exchange& exchange, std::string_view& details);
  [[nodiscard]] FailureReason examine_upgrade(Exchange& exchange, const ProxyRoute& route,
                                              std::string_view& details);

  Worker& worker_;
  const EntrancePtr entrance_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<const net::TlsFacts> tls_;  // null in clear text
  net::Buffer in_;
  std::string address_;
  std::uint16_t port_;
  std::unique_ptr<const net::SocketAddress> destination_;  // from a PROXY protocol header
  LimitPlaces places_;
  Exchange* head_begun_ = nullptr;  // whose head is waited for, of which something has come
  bool idle_ = true;                // counted as idle: no exchange is in progress
  bool waiting_ = false;            // for the first byte of a request
  bool served_ = false;             // a request has come before
  net::Task<> task_;
};

// What a refused head is answered with, by the status its fault asks for.
[[nodiscard]] FailureReason reason_of_status(int status);

}  // namespace tidegate::gateway
