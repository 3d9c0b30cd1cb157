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
  bool websocket = true;  // frames are followed; any other protocol is bytes
  bool extended = false;  // an extension was negotiated: RSV1 is legal
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

  // Ends it from this side: a Close with `code` and `reason` to both where their stream stands between two
  // frames, then FIN, and what the client still sends is discarded for the `fin` time.
  void end(std::uint16_t code, std::string_view reason, TunnelEnd why);

  // The same when the drain window of its endpoint is over, with the upstream's code.
  void end_drained() { end(settings_->drain.close_code, "endpoint is leaving", TunnelEnd::drained); }

  [[nodiscard]] const upstream::Endpoint& endpoint() const { return *place_.endpoint(); }

  std::size_t slot = 0;  // its place in the worker's list

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
  };

  void wake(net::Cause cause) override;
  void on_deadline() override;

  void turn();
  [[nodiscard]] bool is_over() const;
  // Moves what `from` has to `to`; false if the tunnel has ended.
  [[nodiscard]] bool move(Side& from, Side& to);
  void discard(Side& from);
  void deliver(Side& to, std::string_view bytes);
  void flush(Side& to);
  void drop_unsent(Side& to);
  void observe(Side& from, std::span<const char> bytes);
  void side_ended(Side& from, Side& to);
  void write_failed(Side& to);
  [[nodiscard]] bool read_failed(Side& from);
  void pod_gone();
  void answer_close();
  void inject_close(Side& to, std::uint16_t code, std::string_view reason);
  void finish_side(Side& to);
  void begin_discarding();
  void begin_closing();
  void closed_first(TunnelSide side);
  void set_end(TunnelEnd end);
  void arm();
  void retire();
  void report();
  [[nodiscard]] static TunnelDirection direction_of(const Side& side);
  [[nodiscard]] bool said_close() const { return client_.scanner.close_seen() || pod_.scanner.close_seen(); }
  [[nodiscard]] TunnelSide name_of_side(const Side& side) const {
    return &side == &client_ ? TunnelSide::client : TunnelSide::pod;
  }

  Worker& worker_;
  UpstreamCounters& counters_;
  std::shared_ptr<const conf::Upstream> settings_;
  upstream::Reservation place_;
  KeptRecord record_;
  std::unique_ptr<LimitPlaces> places_;
  Side client_;
  Side pod_;
  net::TimePoint opened_;
  net::TimePoint active_;     // the last byte either way
  net::TimePoint closing_{};  // since when one side is finished
  net::TimePoint due_{};      // what the wheel is armed for
  TunnelEnd end_ = TunnelEnd::closed;
  TunnelSide closed_first_ = TunnelSide::none;
  std::uint16_t gateway_close_code_ = 0;  // the code of a Close that the gateway put in
  bool websocket_;
  bool end_known_ = false;
  bool truncated_ = false;
  bool discarding_ = false;  // the pod is gone or was left: nothing is passed on any more
  bool retired_ = false;
};

}  // namespace tidegate::gateway
