// One request on its way to an endpoint and back: pick, connect, look once more, send, relay; try again or
// wait where that hides a failure. The decisions are pure functions elsewhere (`pick`, `decide_retry`); this
// performs them.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gateway/exchange/body_reader.hpp"
#include "gateway/exchange/client_connection.hpp"
#include "gateway/exchange/first_frame.hpp"
#include "gateway/exchange/retry.hpp"
#include "gateway/exchange/upload.hpp"
#include "upstream/cluster_view.hpp"
#include "upstream/connector.hpp"
#include "upstream/pool.hpp"

namespace tidegate::gateway {

class PendingConnect;

// Lives in the frame of the connection's coroutine; everything it starts ends with it.
class Forward {
 public:
  Forward(Worker& worker, ClientConnection& client, Exchange& exchange, const ProxyRoute& route);
  ~Forward();
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;

  net::Task<After> run();

 private:
  // What an attempt came to.
  enum class Step : std::uint8_t {
    done,    // `after_` says what becomes of the client
    again,   // another try, after `pause_`
    failed,  // `failure_` says why
  };

  // --- choosing (choose.cpp) ---
  net::Task<upstream::Reservation> choose();
  net::Task<upstream::Reservation> hold();
  [[nodiscard]] upstream::Reservation pick_now();
  [[nodiscard]] bool is_ahead_of_pace();
  [[nodiscard]] bool must_wait_in_line();
  [[nodiscard]] bool waits_for_sockets() const;
  [[nodiscard]] bool retry_affordable() const;
  [[nodiscard]] bool is_unresolved() const;
  [[nodiscard]] bool none_trusted() const;
  [[nodiscard]] FailureReason reason_for_none() const;
  void note_none();
  [[nodiscard]] std::string describe_endpoints() const;
  [[nodiscard]] std::string_view public_details() const;
  [[nodiscard]] bool may_tell_by_close() const;
  [[nodiscard]] bool other_endpoint_left() const;
  [[nodiscard]] std::uint64_t hash_key() const;

  // --- one attempt (forward.cpp) ---
  net::Task<Step> attempt(upstream::Reservation place);
  net::Task<Step> pause_before_next();
  void begin_attempt(const upstream::EndpointPtr& endpoint);

  Step connect_failed(const net::error_code& error);
  void note_failure_beside(const upstream::EndpointPtr& endpoint, const net::error_code& error);
  Step give_back();
  Step try_failed(AttemptOutcome outcome, FailureReason reason);
  Step next_step(const TryFacts& facts, FailureReason reason);
  [[nodiscard]] TryFacts facts_of(AttemptOutcome outcome) const;
  net::Task<After> fail();
  void note_answer_time();

  // --- a connection to it (opening.cpp) ---
  net::Task<net::error_code> open(upstream::Reservation place);
  net::Task<net::error_code> connect(PendingConnect& pending, net::OpeningLimits limits);
  [[nodiscard]] upstream::Reservation reserve_other_family();
  void go_to_other_family(upstream::Reservation other);
  net::Task<net::error_code> announce_client();

  // --- reading the answer (answer.cpp) ---
  net::Task<Step> read_answer();
  net::Task<Step> read_head();
  net::Task<net::Cause> wait_for_answer();
  net::Task<bool> relay_interim();
  Step answer_failed(bool reset);
  void note_answer_lost();
  [[nodiscard]] std::uint64_t client_number() const;  // as in health::LeavingClose
  void start_upload();
  [[nodiscard]] net::TimePoint answer_deadline();

  // --- relaying it (relay.cpp) ---
  net::Task<Step> relay();
  net::Task<bool> relay_body(BodyReader& body, http::BodyKind framing);
  void settle_upstream(BodyReader& body);
  [[nodiscard]] Step end_relay(BodyReader& body, bool keep_alive);
  [[nodiscard]] std::optional<Step> refuse_switch();
  Step open_tunnel();
  [[nodiscard]] std::string_view sticky_cookie();

  // --- before a 101 goes out (redrive.cpp) ---
  [[nodiscard]] bool may_redrive();
  // `done`: the 101 is the client's, with all that has come behind it.
  net::Task<Step> watch_first_frame();
  Step redrive(const FirstWords& words);
  Step lost_behind_switch(bool reset);

  [[nodiscard]] const upstream::ClusterViewPtr& cluster() const;
  [[nodiscard]] const conf::Upstream& settings() const { return *settings_; }
  // Each connection names one client: it serves this request and no other.
  [[nodiscard]] bool announces_client() const {
    return settings_->proxy_protocol != conf::ProxyProtocolOut::off;
  }
  [[nodiscard]] bool is_upgrade() const { return exchange_.upgrade != http::UpgradeAsk::none; }
  [[nodiscard]] Attempt& current() { return exchange_.record.attempts.back(); }

  Worker& worker_;
  ClientConnection& client_;
  Exchange& exchange_;
  const ProxyRoute& route_;
  const std::uint32_t cluster_id_;
  UpstreamCounters& counters_;
  std::shared_ptr<const conf::Upstream> settings_;
  std::shared_ptr<upstream::ClusterShared> shared_;

  net::TimePoint deadline_;  // over all tries and waits before an answer
  net::TimePoint attempt_began_{};
  std::vector<upstream::EndpointId> tried_;
  upstream::EndpointPtr endpoint_;  // of the current attempt
  upstream::Connection connection_;
  std::optional<BodyReader> body_;
  std::optional<Upload> upload_;
  net::TimePoint answer_deadline_{};
  int tries_ = 0;
  int lost_ = 0;  // see TryFacts
  int interims_ = 0;
  conf::Duration pause_{0};
  bool sent_ = false;  // a byte of the request went out in this attempt
  bool reused_retry_used_ = false;
  bool retrying_ = false;
  bool continued_ = false;   // a 100 was relayed
  bool on_pace_ = false;     // an upgrade that `handshakesPerSecond` has let through
  bool retry_slot_ = false;  // counted in `active_retries`
  bool counted_ = true;      // counted in `active_requests`
  FailureReason failure_ = FailureReason::none;
  std::string failure_details_;
  std::string failed_beside_;  // of this attempt: how the connect to the other family has failed
  std::string cookie_;
  After after_ = After::close;
};

}  // namespace tidegate::gateway
