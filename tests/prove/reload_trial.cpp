// Trial::reload: one new configuration after another, under sockets that talk all the time and requests.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/pem.h>

#include "tests/bench/process_facts.hpp"
#include "tests/prove/company.hpp"
#include "tests/prove/fetch.hpp"
#include "tests/prove/reload_record.hpp"
#include "tests/prove/reload_steps.hpp"
#include "tests/prove/trials.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

constexpr milliseconds interval{200};  // between two orders
constexpr milliseconds patience{20'000};
// For what an order leaves behind to go: upstreams wait for requests, workers for connections.
constexpr milliseconds settling{3'000};
constexpr int warm_up = 25;  // all numbers of workers, and all routes that come and go
constexpr int web_clients_of_each_kind = 4;

// The clients, and what was done to their gateway.
struct Proof {
  Proof(Scene& where, Load& shared)
      : scene(where),
        load(shared),
        staying(where, shared, static_cast<unsigned>(where.options.clients)),
        leaving(where, shared, std::max(5U, staying.size() / 20), std::string(leaving_path)) {}

  Scene& scene;
  Load& load;
  Company staying;
  Company leaving;
  WebLoad web{};
  ReloadRecord record{};
};

long serial_of(const std::string& file) {
  const std::unique_ptr<BIO, decltype(&::BIO_free_all)> in(::BIO_new_file(file.c_str(), "r"),
                                                           &::BIO_free_all);
  const net::X509Ptr certificate(::PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
  if (!certificate) throw std::runtime_error("no certificate in " + file);
  return ::ASN1_INTEGER_get(::X509_get0_serialNumber(certificate.get()));
}

// The pair lies where the gateway's is, as certbot and Kubernetes put it there.
void renew_certificate(Proof& proof) {
  const auto& layout = proof.scene.hop.layout();
  const auto issued = proof.scene.authority->issue();
  std::filesystem::rename(issued.certificate, layout.certificate);
  std::filesystem::rename(issued.key, layout.key);
  proof.record.last_serial = serial_of(layout.certificate);
}

asio::awaitable<void> reload(Proof& proof, ReloadStep step) {
  renew_certificate(proof);
  const auto began = Clock::now();
  auto text = reload_configuration(proof.scene.options, proof.scene.hop.layout(), step);
  co_await proof.scene.hop.reload(std::move(text));
  proof.web.in_force = step.number;
  const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  proof.record.slowest = std::max(proof.record.slowest, took);
}

// The smallest of some looks: connections of clients come and go.
asio::awaitable<ProcessSize> measure(Proof& proof) {
  co_await proof.staying.wait_until(settling, [] { return false; });
  ProcessSize least{SIZE_MAX, UINT64_MAX};
  for (int i = 0; i < 20; ++i) {
    const auto process = proof.scene.hop.id();
    least.descriptors = std::min(least.descriptors, bench::open_descriptors(process));
    least.bytes = std::min(least.bytes, bench::anonymous_bytes({process}));
    co_await pause(milliseconds(25));
  }
  co_return least;
}

asio::awaitable<void> reload_all(Proof& proof) {
  auto& record = proof.record;
  for (int i = 0; i < warm_up; ++i) {
    const ReloadStep step{i, i, true};
    co_await reload(proof, step);
  }
  const ReloadStep settled{warm_up + proof.scene.options.reloads, warm_up - 1, false};
  record.before = co_await measure(proof);
  record.slowest = milliseconds(0);
  record.reloads = proof.scene.options.reloads;
  record.planned = record.reloads * interval;
  proof.scene.progress.event(std::to_string(record.reloads) + " reloads");
  const auto began = Clock::now();
  for (int i = 0; i < record.reloads; ++i) {
    const int number = warm_up + i;
    const ReloadStep step{number, number % pattern_length, i < record.reloads * 2 / 5};
    co_await reload(proof, step);
    const auto next = began + (i + 1) * interval;
    co_await proof.staying.wait_until(std::chrono::duration_cast<milliseconds>(next - Clock::now()),
                                      [] { return false; });
  }
  record.time = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
  // What was in force when it was measured first, so that only what reloads have left behind differs.
  co_await reload(proof, settled);
  record.after = co_await measure(proof);
}

asio::awaitable<void> start(Proof& proof) {
  proof.web.plain = proof.scene.hop.address();
  proof.web.secure = {proof.web.plain.address(), proof.scene.hop.layout().web_port};
  proof.web.tls = trust(*proof.scene.authority);
  proof.staying.start();
  proof.leaving.start();
  const bool complete = co_await proof.staying.wait_until(
      patience, [&] { return proof.staying.is_complete() && proof.leaving.is_complete(); });
  if (!complete) throw std::runtime_error("not all clients have a socket");
  start_web_clients(proof.scene.context, proof.web, web_clients_of_each_kind);
}

// Everything that the pods have said has arrived.
asio::awaitable<void> judge_pods(Proof& proof) {
  for (std::size_t pod = 0; pod < proof.scene.pods.size(); ++pod) {
    auto sight = proof.staying.record.pods[pod];
    const auto& others = proof.leaving.record.pods[pod];
    sight.greetings += others.greetings;
    sight.echoes += others.echoes;
    const auto counts = co_await proof.scene.pods.count(pod);
    proof.scene.result.checks.push_back(judge_messages(pod, sight, counts));
  }
}

}  // namespace

asio::awaitable<void> hold_reload(Scene& scene) {
  auto load = make_load(scene);
  Proof proof(scene, load);
  scene.progress.begin(load.began);
  co_await start(proof);
  co_await reload_all(proof);
  co_await proof.staying.wait_until(patience, [&] { return proof.leaving.is_complete(); });
  scene.progress.event("closing");
  proof.web.over = true;
  co_await proof.staying.end();
  co_await proof.leaving.end();
  co_await proof.staying.wait_until(patience, [&] { return proof.web.running == 0; });
  auto& checks = scene.result.checks;
  checks = judge(proof.record, proof.web.counts, proof.scene.options.timed);
  checks.push_back(judge_staying(proof.staying.record, proof.staying.size()));
  checks.push_back(judge_leaving(proof.leaving.record, proof.leaving.size()));
  co_await judge_pods(proof);
  for (const auto& sample : proof.web.counts.samples) load.tally.note(sample);
  scene.result.tally = std::move(load.tally);
}

}  // namespace tidegate::prove
