#include "tests/support/gateway_fixture.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <future>
#include <mutex>
#include <thread>

#include <boost/asio/post.hpp>

#include "conf/yaml_reader.hpp"
#include "gateway/process/gateway.hpp"
#include "gateway/process/worker.hpp"
#include "tests/support/raw_client.hpp"
#include "tests/support/tls_everywhere.hpp"

namespace tidegate::test {
namespace {

// Adds `lines` unless the text has that key already.
void complete(std::string& yaml, const std::string& key, const std::string& lines) {
  if (yaml.starts_with(key + ":") || yaml.find("\n" + key + ":") != std::string::npos) return;
  yaml.append("\n").append(lines).append("\n");
}

conf::ReadResult read_completed(std::string yaml) {
  complete(yaml, "log", "log: { access: off, error: { path: /dev/null } }");
  complete(yaml, "admin", "admin: { address: 127.0.0.1:0 }");
  complete(yaml, "workers", "workers: 1");
  complete(yaml, "shutdown", "shutdown: { delay: 0s, deadline: 5s }");
  auto result = conf::read_yaml(yaml, "test.yaml");
  auto* const config = std::get_if<conf::Config>(&result);
  if (config != nullptr && tls_everywhere()) add_certificates(*config);
  return result;
}

std::shared_ptr<const conf::Config> read(const std::string& yaml) {
  auto result = read_completed(yaml);
  if (auto* config = std::get_if<conf::Config>(&result))
    return std::make_shared<const conf::Config>(std::move(*config));
  std::string faults = "the configuration is faulty:";
  for (const auto& error : std::get<conf::ConfigErrors>(result)) {
    faults.append("\n").append(error.text());
  }
  throw Unexpected(faults + "\n" + yaml);
}

}  // namespace

struct GatewayFixture::Running {
  Running(std::string yaml, gateway::StartedWith started)
      : text(std::move(yaml)),
        gateway(read(text),
                {{},
                 [this] {
                   const std::lock_guard lock(mutex);
                   return read_completed(text);
                 }},
                std::move(started)) {
    thread = std::thread([this] {
      gateway.run();
      ended = true;
    });
  }

  std::mutex mutex;  // guards `text`
  std::string text;
  gateway::Gateway gateway;
  std::thread thread;
  std::atomic<bool> ended{false};
};

GatewayFixture::GatewayFixture(const std::string& yaml, gateway::StartedWith started)
    : running_(std::make_unique<Running>(yaml, std::move(started))) {
  std::signal(SIGPIPE, SIG_IGN);  // as the program does: OpenSSL writes without MSG_NOSIGNAL
  settle();
}

GatewayFixture::~GatewayFixture() {
  // The third call does not wait for last words.
  for (int i = 0; i < 3; ++i) running_->gateway.shut_down();
  running_->thread.join();
}

std::uint16_t GatewayFixture::port(std::size_t listener) const {
  return running_->gateway.port(listener);
}

std::uint16_t GatewayFixture::admin_port() const {
  return running_->gateway.admin_port();
}

std::string GatewayFixture::admin(const std::string& path, int* status) const {
  auto client = RawClient::in_clear_text(admin_port());
  client.send("GET " + path + " HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
  auto answer = client.read_answer();
  if (status != nullptr) *status = answer.status;
  return answer.body;
}

// === endpoints ===

void GatewayFixture::on_control(std::function<void()> action) const {
  if (running_->ended) throw Unexpected("the gateway has ended");
  const auto done = std::make_shared<std::promise<void>>();
  boost::asio::post(running_->gateway.context(), [action = std::move(action), done] {
    action();
    done->set_value();
  });
  if (done->get_future().wait_for(kPatience) != std::future_status::ready) {
    throw Unexpected("the control thread does not answer");
  }
}

std::vector<upstream::EndpointReport> GatewayFixture::endpoints() const {
  const auto report = std::make_shared<std::vector<upstream::EndpointReport>>();
  on_control([this, report] { *report = running_->gateway.control().registry().report(); });
  return *report;
}

void GatewayFixture::wait_for_state(const std::string& address, upstream::EndpointState state) const {
  wait_until(address + " to be " + std::string(upstream::name_of(state)), [&] {
    const auto all = endpoints();
    return std::any_of(all.begin(), all.end(), [&](const auto& endpoint) {
      return endpoint.address == address && endpoint.state == state;
    });
  });
  settle();
}

void GatewayFixture::wait_for_ready() const {
  wait_until("all endpoints to be ready", [&] {
    const auto all = endpoints();
    return std::all_of(all.begin(), all.end(),
                       [](const auto& endpoint) { return endpoint.state == upstream::EndpointState::ready; });
  });
  settle();
}

upstream::EndpointId GatewayFixture::id_of(const std::string& address) const {
  for (const auto& endpoint : endpoints()) {
    if (endpoint.address == address) return endpoint.id;
  }
  throw Unexpected("no endpoint " + address);
}

void GatewayFixture::order(const std::string& address, upstream::AdminOrder order) {
  const auto id = id_of(address);
  on_control([this, id, order] {
    running_->gateway.control().registry().order(id, order, "by the test", upstream::Clock::now());
  });
  settle();
}

void GatewayFixture::report_verdict(const std::string& address, upstream::Verdict verdict) {
  const auto id = id_of(address);
  on_control([this, id, verdict] {
    running_->gateway.control().registry().report_verdict(id, verdict, "by the test", upstream::Clock::now());
  });
  settle();
}

void GatewayFixture::settle() const {
  // What control does now comes first, then each worker's queue in its order.
  on_control([] {});
  settle_workers();
}

void GatewayFixture::settle_workers() const {
  for (const auto& worker : running_->gateway.workers()) {
    const auto done = std::make_shared<std::promise<void>>();
    worker->post([done] { done->set_value(); });
    if (done->get_future().wait_for(kPatience) != std::future_status::ready) {
      throw Unexpected("a worker does not answer");
    }
  }
}

void GatewayFixture::run_on_workers(const std::function<void()>& action) const {
  for (const auto& worker : running_->gateway.workers()) worker->post(action);
  settle();
}

std::size_t GatewayFixture::buffer_bytes() const {
  const auto sum = std::make_shared<std::atomic<std::size_t>>(0);
  for (const auto& worker : running_->gateway.workers()) {
    worker->post([sum, w = worker.get()] { *sum += w->buffers().in_use(); });
  }
  settle();
  return *sum;
}

// === counters ===

std::uint64_t GatewayFixture::upstream(const std::string& name, const OfUpstream& counter) const {
  settle_workers();
  std::uint64_t sum = 0;
  for (const auto& series : running_->gateway.metrics().upstreams()) {
    if (series->name() != name) continue;
    for (std::size_t i = 0; i < series->workers(); ++i) sum += counter(series->worker(i));
  }
  return sum;
}

std::uint64_t GatewayFixture::workers(const OfWorker& counter) const {
  settle_workers();
  const auto& metrics = running_->gateway.metrics();
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < metrics.workers(); ++i) sum += counter(metrics.worker(i));
  return sum;
}

std::uint64_t GatewayFixture::requests(const std::string& name, gateway::StatusClass status) const {
  return upstream(name, [&](const auto& c) { return c.requests[static_cast<std::size_t>(status)].value(); });
}

std::uint64_t GatewayFixture::failures(gateway::FailureReason reason) const {
  return workers([&](const auto& c) { return c.failures[static_cast<std::size_t>(reason)].value(); });
}

std::uint64_t GatewayFixture::retries(const std::string& name) const {
  return upstream(name, [](const auto& c) { return c.retries.value(); });
}

std::uint64_t GatewayFixture::waiting(const std::string& name) const {
  return upstream(name, [](const auto& c) { return static_cast<std::uint64_t>(c.waiting.value()); });
}

std::uint64_t GatewayFixture::holds(const std::string& name, gateway::HoldResult result) const {
  return upstream(name, [&](const auto& c) { return c.holds[static_cast<std::size_t>(result)].value(); });
}

// === reloads ===

gateway::ReloadOutcome GatewayFixture::reload(const std::string& yaml) {
  {
    const std::lock_guard lock(running_->mutex);
    running_->text = yaml;
  }
  const auto done = std::make_shared<std::promise<gateway::ReloadOutcome>>();
  running_->gateway.reload([done](const gateway::ReloadOutcome& outcome) { done->set_value(outcome); });
  auto outcome = done->get_future();
  if (outcome.wait_for(kPatience) != std::future_status::ready) throw Unexpected("a reload does not end");
  settle();
  return outcome.get();
}

std::size_t GatewayFixture::workers_serving() const {
  return running_->gateway.workers_serving();
}

bool GatewayFixture::drain() {
  const auto begun = std::make_shared<bool>(false);
  on_control([this, begun] { *begun = running_->gateway.begin_drain(); });
  return *begun;
}

void GatewayFixture::undrain() {
  on_control([this] { running_->gateway.cancel_drain(); });
  settle();
}

GatewayFixture::InProgress GatewayFixture::in_progress() const {
  const auto left = std::make_shared<InProgress>();
  on_control([this, left] {
    const auto counts = running_->gateway.in_progress();
    *left = {counts.requests, counts.tunnels};
  });
  return *left;
}

// === the end ===

void GatewayFixture::shut_down() {
  running_->gateway.shut_down();
}

bool GatewayFixture::ended_within(std::chrono::milliseconds time) const {
  return holds_within(time, [this] { return running_->ended.load(); });
}

}  // namespace tidegate::test
