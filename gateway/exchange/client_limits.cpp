#include "gateway/exchange/client_limits.hpp"

#include <algorithm>
#include <array>

#include <spdlog/logger.h>

#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

constexpr LimitAsk kConnection{.request = false, .handshake = false, .connection = true, .websocket = false};

void note_refusal(Worker& worker, LimitTable& table, LimitKind kind, std::string_view client) {
  table.count_refused(kind);
  const auto& limit = table.settings();
  if (!limit.dry_run || !table.may_log(worker.now())) return;
  worker.error_log().info("limit {} (dry run): {} has too many {}; others like it within 10 s are not logged",
                          limit.name, client, name_of(kind));
}

// One request before all limits that hold for it.
class Asking {
 public:
  Asking(Worker& worker, Exchange& exchange, const LimitAsk& ask)
      : worker_(worker), exchange_(exchange), ask_(ask) {}

  // False if one of them has refused.
  [[nodiscard]] bool grants(const std::vector<std::uint32_t>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(),
                       [this](auto number) { return ask_one(exchange_.view->limits[number]); });
  }

  // What was refused by one limit counts in none.
  void take_back() {
    exchange_.places.clear();
    for (std::size_t i = 0; i < granted_size_; ++i) {
      auto& table = *granted_[i];
      if (const auto key = client_key(exchange_.client_address, table.settings()))
        table.take_back(*key, ask_);
    }
  }

  [[nodiscard]] std::chrono::nanoseconds delay() const { return delay_; }
  [[nodiscard]] const LimitAnswer& refusal() const { return refusal_; }

 private:
  bool ask_one(const LimitTablePtr& table) {
    const auto& limit = table->settings();
    const auto key = client_key(exchange_.client_address, limit);
    if (!key) return true;
    const auto verdict = table->enter(*key, ask_, worker_.now());
    if (verdict.admitted) {
      granted_.at(granted_size_++) = table.get();
      if (verdict.holds_place) exchange_.places.emplace_back(table, verdict.place, ask_);
      if (verdict.wait.count() > 0) table->count_delayed();
      if (!limit.dry_run) delay_ = std::max(delay_, verdict.wait);
      return true;
    }
    note_refusal(worker_, *table, verdict.refused, exchange_.client_address);
    if (limit.dry_run) return true;
    exchange_.record.limit = limit.name;
    refusal_.refused = FailureReason::too_many_requests;
    refusal_.retry_after_seconds = retry_after_seconds(verdict.wait);
    exchange_.failure_details.assign("too many ").append(name_of(verdict.refused));
    exchange_.failure_details.append(" for the limit ").append(limit.name);
    return false;
  }

  Worker& worker_;
  Exchange& exchange_;
  const LimitAsk ask_;
  LimitAnswer refusal_;
  std::chrono::nanoseconds delay_{0};
  std::array<LimitTable*, conf::most_limits_at_once> granted_{};
  std::size_t granted_size_ = 0;
};

// The verdict of all; `delay` is set where it is to wait.
LimitAnswer ask_all(Worker& worker, Exchange& exchange, std::uint32_t listener,
                    std::chrono::nanoseconds& delay) {
  const bool upgrade = exchange.upgrade != http::UpgradeAsk::none;
  const bool websocket = exchange.upgrade == http::UpgradeAsk::websocket;
  const auto& view = *exchange.view;
  // An open connection has its place at the listener's limits already.
  Asking at_listener(worker, exchange,
                     {.request = true, .handshake = upgrade, .connection = false, .websocket = websocket});
  Asking at_route(worker, exchange,
                  {.request = true, .handshake = upgrade, .connection = true, .websocket = websocket});
  if (!at_listener.grants(view.listener_limits[listener])) {
    at_listener.take_back();
    return at_listener.refusal();
  }
  if (exchange.route != nullptr && !at_route.grants(exchange.route->limits)) {
    at_route.take_back();
    at_listener.take_back();
    return at_route.refusal();
  }
  delay = std::max(at_listener.delay(), at_route.delay());
  return {};
}

}  // namespace

net::Task<LimitAnswer> ask_limits(Worker& worker, net::Stream& stream, Exchange& exchange,
                                  std::uint32_t listener) {
  std::chrono::nanoseconds delay{0};
  auto answer = ask_all(worker, exchange, listener, delay);
  if (delay.count() > 0) {
    net::Wait wait(worker.loop());
    wait.hangup(stream).until(worker.now() + delay);
    const auto cause = co_await wait;
    if (cause == net::Cause::hangup) answer.refused = FailureReason::client_gone;
  }
  co_return answer;
}

std::string_view ask_connection_limits(Worker& worker, const Entrance& entrance, std::string_view peer,
                                       LimitPlaces& places) {
  const auto& view = *entrance.view;
  if (view.trusted.contains(peer)) return {};
  for (const auto number : view.listener_limits[entrance.listener]) {
    const auto& table = view.limits[number];
    const auto key = client_key(peer, table->settings());
    if (!key) continue;
    const auto verdict = table->enter(*key, kConnection, worker.now());
    if (verdict.holds_place) places.emplace_back(table, verdict.place, kConnection);
    if (verdict.admitted) continue;
    note_refusal(worker, *table, verdict.refused, peer);
    if (!table->settings().dry_run) return table->settings().name;
  }
  return {};
}

std::unique_ptr<LimitPlaces> join(LimitPlaces& of_connection, LimitPlaces& of_request) {
  if (of_connection.empty() && of_request.empty()) return nullptr;
  auto places = std::make_unique<LimitPlaces>(std::move(of_connection));
  for (auto& place : of_request) places->push_back(std::move(place));
  of_request.clear();
  return places;
}

}  // namespace tidegate::gateway
