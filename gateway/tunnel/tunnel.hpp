// After the 101: two streams, bytes both ways. One plain object per pair, driven by readiness; no coroutine,
// and no buffer while nothing waits to be written.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "conf/config.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/process/limit_table.hpp"
#include "gateway/tunnel/care.hpp"
#include "gateway/tunnel/moving.hpp"
#include "gateway/tunnel/unsent.hpp"
#include "upstream/endpoint.hpp"
#include "wire/net/event_loop.hpp"
#include "wire/net/stream.hpp"
#include "wire/websocket/frame_scanner.hpp"

namespace tidegate::gateway {

class Worker;

// What an exchange hands over.
struct TunnelOpening {
  std::unique_ptr<net::Stream> client;
  std::unique_ptr<net::Stream> pod;
  upstream::Reservation place;
  std::shared_ptr<const conf::Upstream> settings;
  KeptRecord record;
  // At the limits of the client, until the tunnel ends; null: none.
  std::unique_ptr<LimitPlaces> places;
  // What is done about its frames; null: it is no WebSocket, or its route says `off`, and bytes are bytes.
  std::shared_ptr<const conf::WebSocketPolicy> policy;
  std::uint8_t reserved_bits = 0;  // those that the negotiated extensions use
  bool opened_elsewhere = false;   // and counted there: it comes from another process
};

// Owned by its worker, which it asks to be retired when it has ended. Worker's thread only.
class Tunnel final : private net::Waiter, private net::DeadlineNode {
 public:
  Tunnel(Worker& worker, UpstreamCounters& counters, TunnelOpening opening);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Begins: `head` is the 101, `from_pod` and `from_client` are bytes already read behind either head.
  void start(std::string_view head, std::string_view from_pod, std::string_view from_client);

  // Ends it from this side so that nothing is lost that the pod has said: first a Close to the pod, then all
  // that it sends before it answers (or for one second), then the Close to the client. `reason` is a literal.
  void leave(std::uint16_t code, std::string_view reason, TunnelEnd why);
  // The same with what the upstream's settings say of the cause.
  void leave(conf::CloseCause cause);
  // Ends it at once: a Close to both where their stream stands between two frames, then, when the client has
  // answered or the `fin` time is over, FIN. What either still sends is discarded.
  void end(std::uint16_t code, std::string_view reason, TunnelEnd why);
  void end(conf::CloseCause cause);

  // === another process takes over (moving.cpp) ===

  // False for one that is ending, and under TLS.
  [[nodiscard]] bool can_move() const;
  // Out of the loop, in a state that can go on in another process: nothing is read or written until `thaw` or
  // for ever.
  [[nodiscard]] FrozenTunnel freeze();
  void thaw();
  // The other process has no place for it: it thaws and is not offered again.
  void stay();
  // Another process has it: it goes without a word, to its peers and in the log.
  void let_go();
  // In place of `start`: goes on as the other process has left off. False if `state` is not whole.
  [[nodiscard]] bool take_over(std::string_view state);

  [[nodiscard]] const upstream::Endpoint& endpoint() const { return *place_.endpoint(); }
  [[nodiscard]] const conf::Upstream& settings() const { return *settings_; }
  // The name of the route that its request took, cut to what records keep.
  [[nodiscard]] std::string_view route() const { return record_.record().route; }
  // It has been told to end, or is ending of itself, or nothing can be told to it for now.
  [[nodiscard]] bool is_ending() const {
    return frozen_ || retired_ || discarding_ || leaving() || closing_ != net::TimePoint{};
  }
  // When a byte passed last that was not the gateway's own doing.
  [[nodiscard]] net::TimePoint last_active() const { return active_; }

  std::size_t slot = 0;          // its place in the worker's list
  std::uint32_t route_left = 0;  // its route is gone: the number that departures gave to that; 0: it is there

 private:
  struct Side {
    Side(std::unique_ptr<net::Stream> connected, websocket::FrameScanner follows)
        : stream(std::move(connected)), scanner(follows) {}

    std::unique_ptr<net::Stream> stream;
    websocket::FrameScanner scanner;  // of what this side sends
    std::uint64_t bytes = 0;          // sent by this side
    Unsent unsent;                    // waiting to be written to this side
    net::TimePoint stalled{};         // since when bytes wait to be written to it without progress
    bool ended = false;               // its end of stream was read
    bool finished = false;            // FIN was sent to it
    bool deaf = false;                // it takes no more bytes: what is meant for it is dropped
    bool muted = false;               // what it says is not passed on any more
    bool told = false;                // a Close of the gateway's own was put in towards it
    bool ping_wanted = false;         // as soon as the stream towards it stands between two frames
  };

  void wake(net::Cause cause) override;
  void on_deadline() override;

  // === bytes (tunnel.cpp) ===
  void turn();
  [[nodiscard]] bool is_over() const;
  // Moves what `from` has to `to`; false if the tunnel has ended.
  [[nodiscard]] bool move(Side& from, Side& to);
  void pass(Side& from, Side& to, std::string_view bytes);
  void discard(Side& from);
  void deliver(Side& to, std::string_view bytes);
  void flush(Side& to);
  void drop_unsent(Side& to);
  void arm();
  void retire();

  // === frames (frames.cpp) ===
  void follow(Side& from, Side& to, std::string_view bytes);
  [[nodiscard]] websocket::FrameRules rules_for(const Side& from) const;
  void end_for_fault(const Side& from);
  void note_leaving_close();
  void count_pace(std::uint64_t messages, std::uint64_t bytes);
  void look_after();
  void look_after(Side& side, Pulse& pulse, std::chrono::milliseconds interval);
  void ping(Side& to);
  [[nodiscard]] bool is_paused(const Side& from) const;
  [[nodiscard]] net::TimePoint care_due() const;

  // === the end (ending.cpp) ===
  void side_ended(Side& from, Side& to);
  void write_failed(Side& to);
  [[nodiscard]] bool read_failed(Side& from);
  void pod_gone();
  void answer_close();
  void take_leave();
  [[nodiscard]] net::TimePoint leave_due() const;
  void part_from_client();
  void put_in_close(Side& to, std::uint16_t code, std::string_view reason);
  void begin_discarding();
  void begin_closing();
  [[nodiscard]] net::TimePoint closing_due() const;
  void finish_side(Side& to);
  void closed_first(TunnelSide side);
  void set_end(TunnelEnd end);
  void report();
  template <class Archive>
  void carry(Archive& archive);
  [[nodiscard]] static TunnelDirection direction_of(const Side& side);

  [[nodiscard]] bool leaving() const { return leaving_since_ != net::TimePoint{}; }
  [[nodiscard]] bool said_close() const { return client_.scanner.close_seen() || pod_.scanner.close_seen(); }
  [[nodiscard]] Side& other(const Side& side) { return &side == &client_ ? pod_ : client_; }
  [[nodiscard]] const Side& other(const Side& side) const { return &side == &client_ ? pod_ : client_; }
  [[nodiscard]] TunnelSide name_of_side(const Side& side) const {
    return &side == &client_ ? TunnelSide::client : TunnelSide::pod;
  }

  Worker& worker_;
  UpstreamCounters& counters_;
  std::shared_ptr<const conf::Upstream> settings_;
  std::shared_ptr<const conf::WebSocketPolicy> policy_;  // null: bytes only
  upstream::Reservation place_;
  KeptRecord record_;
  std::unique_ptr<LimitPlaces> places_;
  std::unique_ptr<Care> care_;  // null: no pings, no rates
  Side client_;
  Side pod_;
  net::TimePoint opened_;
  net::TimePoint expires_;          // the end of its lifetime
  net::TimePoint active_;           // the last byte either way that was not the gateway's own doing
  net::TimePoint leaving_since_{};  // or since when, after that, the client last caught up
  net::TimePoint closing_{};        // since when one side is finished
  net::TimePoint due_{};            // what the wheel is armed for
  std::string_view goodbye_reason_;
  std::string_view details_;  // of a fault, for the log
  std::uint16_t goodbye_code_ = 0;
  std::uint16_t gateway_close_code_ = 0;  // the code of a Close that the gateway put in
  TunnelEnd end_ = TunnelEnd::closed;
  TunnelSide closed_first_ = TunnelSide::none;
  bool end_known_ = false;
  bool truncated_ = false;
  bool discarding_ = false;  // the pod is gone or was left: nothing is passed on any more
  bool retired_ = false;
  bool frozen_ = false;  // out of the loop, while another process may take it over
  bool moved_ = false;   // and has
  bool stays_ = false;   // and will not
};

}  // namespace tidegate::gateway
