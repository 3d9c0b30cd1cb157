// The control thread's part: owns the truth about endpoints, probes them, keeps the waiting rooms, and posts
// what changes to the workers. Workers call only the functions marked thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "gateway/exchange/hold.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/process/client_key.hpp"
#include "gateway/process/discovery.hpp"
#include "gateway/process/worker_view.hpp"
#include "health/accusers.hpp"
#include "health/checker.hpp"
#include "health/leave_signal.hpp"
#include "upstream/pick.hpp"
#include "upstream/registry.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

class Worker;

class Control {
 public:
  Control(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  // === control thread ===

  // The workers that are told of changes, by their index. They must outlive this object or be forgotten.
  void forget_workers() { workers_.clear(); }
  // Tells a further worker all that the others know.
  void add_worker(Worker& worker);
  // Takes over a configuration's upstreams, completes its view (clusters, series, limits) and gives it to the
  // workers. What is the same as before is not touched. An upstream that is gone drains as soon as no request
  // that began under an earlier view can want it.
  void apply(std::shared_ptr<WorkerView> view, Metrics& metrics);
  [[nodiscard]] const upstream::Registry& registry() const { return registry_; }
  [[nodiscard]] upstream::Registry& registry() { return registry_; }
  [[nodiscard]] Discovery& discovery() { return discovery_; }
  [[nodiscard]] const Discovery& discovery() const { return discovery_; }
  // The workers' newest; null before the first.
  [[nodiscard]] const WorkerViewPtr& view() const { return view_; }
  [[nodiscard]] std::vector<LimitReport> limit_reports() const { return limits_.reports(); }
  // True once every source of endpoints has spoken or said why it cannot, and no upstream waits for a verdict
  // (see Registry::awaits_first_verdict); and from then on: what comes and goes later is held for, and a
  // gateway that says it is not ready is taken out itself.
  [[nodiscard]] bool warmed_up() const;
  // Called when a worker has nothing left after `Worker::stop_accepting`.
  std::function<void(std::uint32_t worker)> on_worker_empty;

  // === thread-safe: called by workers ===

  // A connect to an endpoint that is not virtual failed. A refusal or reset takes it out at once, and three
  // time-outs in a row do; it is probed without delay.
  void connect_failed(const upstream::EndpointPtr& endpoint, AttemptOutcome outcome);
  // An endpoint's certificate was not accepted: it is taken out at once. Thread-safe.
  void certificate_refused(const upstream::EndpointPtr& endpoint, std::string_view why);
  // A connection ended before a byte of an answer: the endpoint is probed at once. That alone takes nothing
  // out, since a request that a pod does not survive could be sent on purpose; two clients within a second
  // do, if nobody got an answer meanwhile. `client` as in health::LeavingClose.
  std::optional<health::LeaveSign> answer_lost(const upstream::EndpointPtr& endpoint, std::uint64_t client);
  // An endpoint that is not virtual has sent a Close that speaks of leaving, and sent it first. Enough of
  // them take it out at once, and it is probed without delay; by which sign, if this one did it.
  std::optional<health::LeaveSign> note_leaving_close(const upstream::EndpointPtr& endpoint,
                                                      const health::LeavingClose& close);
  // An endpoint that is not virtual has answered a handshake only to send the client away: the same at once,
  // unless this client has taken one out a moment ago.
  void sent_away(const upstream::EndpointPtr& endpoint, std::uint64_t client, std::string_view how);
  // Of all upstreams together.
  [[nodiscard]] upstream::HandshakePace& total_pace() { return total_pace_; }
  // What a client's key is hashed with: all workers take a client for the same one.
  [[nodiscard]] std::uint64_t client_seed() const { return client_seed_; }
  void enter_hold(std::uint32_t cluster, HoldTicket ticket);
  void leave_hold(std::uint32_t cluster, std::uint64_t ticket);
  void worker_empty(std::uint32_t worker);

 private:
  struct WaitingRoom {
    HoldQueue queue;
    HoldQueue upgrades;  // those that wait for more than a place
    upstream::PickState picks;
    bool upgrade_last = false;            // the last grant went to one of `upgrades`
    bool told = false;                    // the checker knows that somebody waits
    upstream::TimePoint flowing_since{};  // since when places are found for those who wait

    [[nodiscard]] bool empty() const { return queue.empty() && upgrades.empty(); }
  };

  // An upstream that is no longer configured, and the views that may still lead requests to it.
  struct LeavingCluster {
    std::string name;
    std::vector<std::weak_ptr<const WorkerView>> views;
    upstream::TimePoint latest{};  // then it goes, whoever still wants it
  };

  std::shared_ptr<const conf::Upstream> take_upstream(const conf::Upstream& settings, bool same_tls,
                                                      upstream::TimePoint now);
  void part_from_upstreams(const WorkerViewPtr& before, const conf::Config& after, upstream::TimePoint now);
  void remove_unwanted(upstream::TimePoint now);
  void forget_clusters();
  void take_finding(const health::Finding& finding);
  void warn_of(const health::SharedAddress& found);
  void take_out(const upstream::EndpointPtr& endpoint, std::string_view cause);
  void hurry(const upstream::EndpointPtr& endpoint);
  void forget_leave_signals(upstream::TimePoint now);
  void publish(const upstream::ClusterViewPtr& view);
  void start_granting();
  void grant_waiting();
  bool grant_cluster(std::uint32_t id, WaitingRoom& room, upstream::TimePoint now);
  struct Grant {
    HoldTicket ticket;
    upstream::Reservation place;
  };
  // Who goes next, and where; nothing if there is no place for those who wait, or their turn has not come.
  [[nodiscard]] std::optional<Grant> next_grant(const upstream::ClusterView& view, WaitingRoom& room,
                                                upstream::TimePoint now);
  [[nodiscard]] static int release_rate(int per_second, const WaitingRoom& room, upstream::TimePoint now);
  void start_sweeping();
  void publish_later(upstream::TimePoint::duration pause);

  boost::asio::io_context& context_;
  std::shared_ptr<spdlog::logger> log_;
  upstream::Registry registry_;
  health::Checker checker_;
  Discovery discovery_;
  std::vector<Worker*> workers_;
  LimitTables limits_;
  upstream::HandshakePace total_pace_;
  const std::uint64_t client_seed_ = random_seed();
  std::mutex leave_mutex_;  // taken by workers, for what speaks of leaving and for nothing else
  std::unordered_map<upstream::EndpointId, health::LeaveSignal> leave_signals_;
  health::Accusers accusers_;
  std::unordered_set<upstream::EndpointId> told_shared_;  // of which `warn_of` has told
  mutable bool warmed_up_ = false;
  WorkerViewPtr view_;                                    // the workers' newest
  std::vector<std::weak_ptr<const WorkerView>> earlier_;  // those before it that somebody may still hold
  std::vector<LeavingCluster> leaving_;
  std::unordered_map<std::uint32_t, upstream::ClusterViewPtr> views_;  // by cluster number
  std::unordered_map<std::uint32_t, WaitingRoom> rooms_;
  boost::asio::steady_timer grant_timer_;
  boost::asio::steady_timer sweep_timer_;
  boost::asio::steady_timer view_timer_;
  bool granting_ = false;
};

}  // namespace tidegate::gateway
