#include "gateway/process/control.hpp"

#include <algorithm>
#include <random>

#include <boost/asio/post.hpp>
#include <spdlog/logger.h>

#include "gateway/observe/failure_log.hpp"
#include "gateway/process/open_source.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::milliseconds kGrantInterval{10};
constexpr std::chrono::seconds kSweepInterval{1};
constexpr int kConnectTimeoutsToEject = 3;

}  // namespace

Control::Control(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log)
    : context_(context),
      log_(std::move(log)),
      registry_({[this](upstream::ClusterViewPtr view) { publish(view); },
                 [this](const upstream::EndpointPtr& endpoint, const std::string& cluster,
                        const upstream::Transition& transition) {
                   log_transition(*log_, *endpoint, cluster, transition);
                 },
                 [this](const upstream::EndpointPtr& endpoint, const std::string& cluster,
                        const std::string& cause) { log_sockets(*log_, *endpoint, cluster, cause); },
                 [this](upstream::TimePoint::duration pause) { publish_later(pause); }}),
      checker_(context, [this](const health::Finding& finding) { take_finding(finding); },
               {.seed = std::random_device{}(),
                .shared = [this](const health::SharedAddress& found) { warn_of(found); }}),
      discovery_(registry_, log_, SourceOpener(context)),
      grant_timer_(context),
      sweep_timer_(context),
      view_timer_(context) {
  start_sweeping();
}

Control::~Control() = default;

void Control::publish(const upstream::ClusterViewPtr& view) {
  views_[view->id] = view;
  for (auto* worker : workers_) worker->post([worker, view] { worker->set_cluster(view); });
  checker_.watch(*view);
  if (const auto room = rooms_.find(view->id); room != rooms_.end() && !room->second.empty())
    start_granting();
}

void Control::publish_later(upstream::TimePoint::duration pause) {
  const auto due = upstream::Clock::now() + pause;
  if (view_timer_.expiry() > upstream::Clock::now() && view_timer_.expiry() <= due) return;
  view_timer_.expires_at(due);
  view_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) registry_.publish_late(upstream::Clock::now());
  });
}

bool Control::warmed_up() const {
  warmed_up_ = warmed_up_ || (!discovery_.awaits_first_word() && !registry_.awaits_first_verdict());
  return warmed_up_;
}

void Control::take_finding(const health::Finding& finding) {
  if (finding.probe == upstream::ProbeKind::readiness) {
    registry_.report_verdict(finding.endpoint, finding.verdict, finding.cause, upstream::Clock::now());
  } else {
    registry_.report_sockets(finding.endpoint, finding.probe, finding.verdict, finding.cause);
  }
}

void Control::warn_of(const health::SharedAddress& found) {
  constexpr std::size_t most = 1000;
  if (told_shared_.size() >= most || !told_shared_.insert(found.endpoint->id()).second) return;
  log_->warn("{}", shared_address_line(*found.endpoint, found.cluster, found.names));
}

void Control::connect_failed(const upstream::EndpointPtr& endpoint, AttemptOutcome outcome) {
  if (outcome == AttemptOutcome::refused) return take_out(endpoint, "connection refused");
  if (outcome == AttemptOutcome::reset) return take_out(endpoint, "connection reset");
  if (endpoint->count_connect_timeout() >= kConnectTimeoutsToEject)
    take_out(endpoint, "connects failed in a row");
}

void Control::certificate_refused(const upstream::EndpointPtr& endpoint, std::string_view why) {
  endpoint->distrust();
  take_out(endpoint, "certificate not accepted: " + std::string(why));
}

std::optional<health::LeaveSign> Control::answer_lost(const upstream::EndpointPtr& endpoint,
                                                      std::uint64_t client) {
  hurry(endpoint);
  if (!endpoint->eligible()) return std::nullopt;
  std::optional<health::LeaveSign> sign;
  {
    const std::lock_guard lock(leave_mutex_);
    sign = leave_signals_[endpoint->id()].count_loss(client, endpoint->last_answer(), upstream::Clock::now());
  }
  if (sign) take_out(endpoint, health::describe(*sign));
  return sign;
}

void Control::hurry(const upstream::EndpointPtr& endpoint) {
  boost::asio::post(context_, [this, id = endpoint->id()] { checker_.hurry(id); });
}

// Of the thousands of Closes of a pod that leaves, all but the first few find it taken out already.
std::optional<health::LeaveSign> Control::note_leaving_close(const upstream::EndpointPtr& endpoint,
                                                             const health::LeavingClose& close) {
  if (!endpoint->eligible()) return std::nullopt;
  std::optional<health::LeaveSign> sign;
  bool believed = true;
  {
    const auto now = upstream::Clock::now();
    const std::lock_guard lock(leave_mutex_);
    sign = leave_signals_[endpoint->id()].count(close, now);
    believed = sign != health::LeaveSign::newcomers || accusers_.believe(close.client, now);
  }
  if (sign && !believed) {
    hurry(endpoint);
    return std::nullopt;
  }
  if (sign) take_out(endpoint, health::describe(*sign, close.code));
  return sign;
}

void Control::sent_away(const upstream::EndpointPtr& endpoint, std::uint64_t client, std::string_view how) {
  if (!endpoint->eligible()) return;
  bool believed = false;
  {
    const std::lock_guard lock(leave_mutex_);
    believed = accusers_.believe(client, upstream::Clock::now());
  }
  if (!believed) return hurry(endpoint);
  take_out(endpoint, how);
}

void Control::forget_leave_signals(upstream::TimePoint now) {
  const std::lock_guard lock(leave_mutex_);
  std::erase_if(leave_signals_, [now](const auto& entry) { return entry.second.is_over(now); });
  accusers_.forget(now);
}

void Control::take_out(const upstream::EndpointPtr& endpoint, std::string_view cause) {
  // Of a thousand refusals one reaches control: the first stores the state, which every worker reads before
  // its next byte goes out.
  if (!endpoint->refuse()) return;
  boost::asio::post(context_, [this, id = endpoint->id(), cause = std::string(cause)] {
    registry_.report_verdict(id, upstream::Verdict::fail, cause, upstream::Clock::now());
    checker_.suspect(id);
  });
}

void Control::enter_hold(std::uint32_t cluster, HoldTicket ticket) {
  boost::asio::post(context_, [this, cluster, ticket] {
    auto& room = rooms_[cluster];
    (ticket.upgrade ? room.upgrades : room.queue).push(ticket);
    start_granting();
  });
}

void Control::leave_hold(std::uint32_t cluster, std::uint64_t ticket) {
  boost::asio::post(context_, [this, cluster, ticket] {
    auto& room = rooms_[cluster];
    room.queue.withdraw(ticket);
    room.upgrades.withdraw(ticket);
  });
}

void Control::worker_empty(std::uint32_t worker) {
  boost::asio::post(context_, [this, worker] {
    if (on_worker_empty) on_worker_empty(worker);
  });
}

void Control::start_granting() {
  if (granting_) return;
  granting_ = true;
  grant_timer_.expires_after(std::chrono::milliseconds(0));
  grant_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) grant_waiting();
  });
}

void Control::grant_waiting() {
  const auto now = upstream::Clock::now();
  bool waiting = false;
  for (auto& [id, room] : rooms_) waiting = grant_cluster(id, room, now) || waiting;
  granting_ = waiting;
  if (!waiting) return;
  grant_timer_.expires_after(kGrantInterval);
  grant_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) grant_waiting();
  });
}

// The pace doubles with every half second that places are found: a herd arrives gently, and yet a queue that
// fills faster than the configured pace does not stand for ever in front of pods that could take it.
int Control::release_rate(int per_second, const WaitingRoom& room, upstream::TimePoint now) {
  if (room.flowing_since == upstream::TimePoint{}) return per_second;
  const auto halves = std::min<std::int64_t>((now - room.flowing_since) / std::chrono::milliseconds(500), 10);
  return static_cast<int>(std::min<std::int64_t>(std::int64_t{per_second} << halves, 1'000'000));
}

std::optional<Control::Grant> Control::next_grant(const upstream::ClusterView& view, WaitingRoom& room,
                                                  upstream::TimePoint now) {
  bool found = false;
  // Both lines by turns: what one of them waits for may not be what the other one does.
  for (const bool upgrade : {!room.upgrade_last, room.upgrade_last}) {
    auto& line = upgrade ? room.upgrades : room.queue;
    if (line.empty()) continue;
    upstream::PickAsk ask;
    ask.now = now;
    ask.socket = upgrade;
    const auto* member = upstream::pick(view, room.picks, ask);
    if (member == nullptr || !member->endpoint->reserve()) continue;
    upstream::Reservation place(member->endpoint);
    found = true;
    if (upgrade && !take_both(view.shared->pace, total_pace_, now)) continue;
    room.upgrade_last = upgrade;
    return Grant{line.pop(), std::move(place)};
  }
  if (!found) room.flowing_since = {};
  return std::nullopt;
}

// True while somebody waits for the cluster.
bool Control::grant_cluster(std::uint32_t id, WaitingRoom& room, upstream::TimePoint now) {
  const auto found = views_.find(id);
  if (found == views_.end()) return false;
  const auto& view = *found->second;
  const int allowed =
      room.queue.allowance(now, release_rate(view.settings->hold.release_per_second, room, now));
  for (int i = 0; i < allowed && !room.empty(); ++i) {
    auto grant = next_grant(view, room, now);
    if (!grant) break;
    if (room.flowing_since == upstream::TimePoint{}) room.flowing_since = now;
    room.queue.spend();
    // std::function wants a copyable action: the place travels behind a shared pointer.
    auto place = std::make_shared<upstream::Reservation>(std::move(grant->place));
    auto* const worker = workers_[grant->ticket.worker];
    worker->post([worker, id = grant->ticket.id, place] { worker->grant(id, std::move(*place)); });
  }
  const bool waiting = !room.empty();
  if (!waiting) room.flowing_since = {};
  if (waiting != room.told) {
    room.told = waiting;
    checker_.set_waiting(view.settings->name, waiting);
    // Idle connections hold places at endpoints that bound them; somebody who waits needs these more.
    if (waiting && view.settings->max_connections > 0) {
      for (auto* worker : workers_) worker->post([worker, id] { worker->shed_idle(id); });
    }
  }
  return waiting;
}

void Control::start_sweeping() {
  sweep_timer_.expires_after(kSweepInterval);
  sweep_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    start_sweeping();  // first, so that the next one comes whatever this one meets
    const auto now = upstream::Clock::now();
    remove_unwanted(now);
    discovery_.look(now);
    registry_.sweep(now);
    forget_leave_signals(now);
    forget_clusters();
  });
}

}  // namespace tidegate::gateway
