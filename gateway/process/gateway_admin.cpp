// What the gateway shows and lets be ordered: its pages and its commands.
#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/logger.h>

#include "gateway/observe/endpoints_json.hpp"
#include "gateway/observe/status.hpp"
#include "gateway/process/gateway.hpp"
#include "gateway/process/version.hpp"
#include "gateway/process/worker.hpp"

namespace tidegate::gateway {
namespace {

constexpr const char* kBusy = "the gateway is draining or shutting down already";

std::string names_of(const std::vector<upstream::EndpointReport>& endpoints) {
  constexpr std::size_t most = 10;
  std::string names;
  for (std::size_t i = 0; i < endpoints.size() && i < most; ++i)
    names.append(i == 0 ? "" : ", ").append(endpoints[i].address);
  if (endpoints.size() > most) names += ", ...";
  return names.empty() ? "none" : names;
}

// Where another process had its listener, its socket; otherwise nothing.
net::UniqueFd socket_of(InheritedAdmin& inherited, const std::string& address) {
  return inherited.address == address ? std::move(inherited.socket) : net::UniqueFd();
}

// What all workers count of one upstream.
UpstreamStatus status_of(const std::string& upstream, const Metrics& metrics) {
  UpstreamStatus status{upstream};
  for (const auto& series : metrics.upstreams()) {
    if (series->name() != upstream) continue;
    for (std::size_t i = 0; i < series->workers(); ++i) {
      status.tunnels += series->worker(i).tunnels.value();
      status.waiting += series->worker(i).waiting.value();
    }
  }
  return status;
}

std::string sentence(const upstream::EndpointReport& endpoint, bool drain) {
  auto text = endpoint.address + " of " + endpoint.cluster;
  if (!drain) return text + " may be picked again as soon as it is found ready";
  text += " drains: nothing new goes to it";
  if (endpoint.active > 0)
    text += "; " + std::to_string(endpoint.active) + " requests and WebSockets are left";
  return text;
}

}  // namespace

AdminSource Gateway::pages() {
  AdminSource source;
  source.ready = [this](std::string& why) { return ready(why); };
  source.metrics = [this] { return metrics_page(); };
  source.endpoints = [this] {
    return endpoints_json(control_.registry().report(), control_.discovery().report(upstream::Clock::now()));
  };
  return source;
}

// One that is the same stays, with its connections.
void Gateway::open_admin(const conf::Admin& admin) {
  if (admin_ && admin.enabled && admin.address == admin_address_) return;
  if (!admin.enabled) return admin_.reset();
  try {
    admin_ = std::make_unique<Admin>(context_, admin.address, pages(), AdminLimits{},
                                     socket_of(inherited_admin_, admin.address.text()));
  } catch (const std::runtime_error&) {
    // The old one may be what stands in the way: 0.0.0.0:9901 in place of 127.0.0.1:9901.
    if (!admin_) throw;
    admin_.reset();
    admin_ = std::make_unique<Admin>(context_, admin.address, pages());
  }
  admin_address_ = admin.address;
}

void Gateway::open_commands(const conf::Admin& admin) {
  const bool wanted = admin.enabled && admin.socket == conf::CommandSocket::at_path;
  if (command_socket_ && wanted && admin.socket_path == command_path_) return;
  if (!wanted) return command_socket_.reset();
  auto source = pages();
  source.command = [orders = commands()](std::string_view method, std::string_view target,
                                         const AdminReplyTo& reply) {
    perform(orders, method, target, reply);
  };
  command_socket_ =
      std::make_shared<Admin>(context_, conf::Address{{}, 0, admin.socket_path}, std::move(source),
                              AdminLimits{}, socket_of(inherited_commands_, admin.socket_path));
  command_path_ = admin.socket_path;
}

AdminCommands Gateway::commands() {
  AdminCommands commands;
  commands.reload = [this](AdminReplyTo reply) {
    // The reload may move the socket that the order came by.
    reload([this, reply = std::move(reply), socket = command_socket_](const ReloadOutcome& outcome) {
      reply(text_reply(outcome.succeeded ? 200 : 422, outcome.text));
      boost::asio::post(context_, [socket] {});
    });
  };
  commands.upgrade = [this](std::string program, AdminReplyTo reply) {
    order_upgrade(std::move(program), std::move(reply));
  };
  commands.drain = [this] { return order_drain(); };
  commands.undrain = [this] { return order_undrain(); };
  commands.drain_state = [this] { return AdminReply{200, "application/json", drain_state()}; };
  commands.status = [this](bool json) { return status_reply(json); };
  commands.endpoint = [this](const EndpointOrder& order) { return order_endpoint(order); };
  return commands;
}

void Gateway::order_upgrade(std::string program, AdminReplyTo reply) {
  upgrade(std::move(program), [reply = std::move(reply)](const UpgradeOutcome& outcome) {
    reply(text_reply(outcome.succeeded ? 200 : 409, outcome.text));
  });
}

AdminReply Gateway::order_drain() {
  if (!begin_drain()) return text_reply(200, kBusy);
  error_log_.logger()->warn("draining by command: accepting for {} ms more", config_->shutdown.delay.count());
  return text_reply(200, "draining: /ready answers 503; connections are accepted for " +
                             std::to_string(config_->shutdown.delay.count()) + " ms more");
}

AdminReply Gateway::order_undrain() {
  if (phase_ == Phase::serving) return text_reply(200, "the gateway serves; there is no drain to take back");
  try {
    cancel_drain();
  } catch (const std::runtime_error& error) {
    return text_reply(409, std::string("the gateway goes on draining: ") + error.what());
  }
  error_log_.logger()->warn("serving again by command");
  return text_reply(200, "serving again");
}

std::string Gateway::drain_state() const {
  const auto counts = in_progress();
  boost::json::object state;
  state["draining"] = phase_ != Phase::serving;
  state["accepting"] = phase_ == Phase::serving || phase_ == Phase::delaying;
  state["requests"] = counts.requests;
  state["tunnels"] = counts.tunnels;
  return boost::json::serialize(state) + "\n";
}

AdminReply Gateway::status_reply(bool json) {
  Status status;
  status.version = version();
  status.ready = ready(status.why);
  status.workers = serving_;
  const auto counts = in_progress();
  status.requests = counts.requests;
  status.tunnels = counts.tunnels;
  status.reloads = reload_.report();
  status.reload_fault = reload_fault_;
  for (const auto& upstream : config_->upstreams)
    status.upstreams.push_back(status_of(upstream.name, metrics_));
  status.sources = control_.discovery().report(upstream::Clock::now());
  status.endpoints = control_.registry().report();
  const int code = status.ready ? 200 : 503;
  if (!json) return text_reply(code, status_text(status));
  return {code, "application/json", status_json(status, pages().endpoints())};
}

// Before those who asked for a reload are answered: where `tidegate reload` is the unit's ExecReload, the
// service manager sees the reload end first and the command afterwards.
void Gateway::tell_of_reloads() {
  reload_.tell({[this] { service_.reloading(); },
                [this](const ReloadOutcome& outcome) {
                  reload_fault_ = outcome.succeeded ? "" : outcome.text;
                  service_.ready();
                }});
}

std::string Gateway::status() const {
  const auto counts = in_progress();
  const auto left = std::to_string(counts.requests) + " requests and " + std::to_string(counts.tunnels) +
                    " WebSockets are left";
  const std::string end = shutting_down_ ? "shutting down: " : "draining: ";
  if (phase_ == Phase::delaying) return end + "still accepting, " + left;
  if (phase_ != Phase::serving) return end + left;
  auto text = "serving with " + std::to_string(serving_) + (serving_ == 1 ? " worker" : " workers");
  if (std::string why; !ready(why)) text += ", " + why;
  if (!reload_fault_.empty())
    text += "; the configuration is an older one, since the last reload failed: " + reload_fault_;
  return text;
}

AdminReply Gateway::order_endpoint(const EndpointOrder& order) {
  auto& registry = control_.registry();
  const auto known = registry.report();
  std::string text;
  for (const auto& endpoint : known) {
    if (endpoint.address != order.address && endpoint.name != order.address) continue;
    if (!order.upstream.empty() && endpoint.cluster != order.upstream) continue;
    registry.order(endpoint.id, order.drain ? upstream::AdminOrder::drain : upstream::AdminOrder::none,
                   order.drain ? "drained by command" : "undrained by command", upstream::Clock::now());
    text.append(text.empty() ? "" : "\n").append(sentence(endpoint, order.drain));
  }
  if (!text.empty()) return text_reply(200, text);
  return text_reply(404, "there is no endpoint " + order.address +
                             (order.upstream.empty() ? "" : " of " + order.upstream) +
                             "; known here: " + names_of(known));
}

}  // namespace tidegate::gateway
