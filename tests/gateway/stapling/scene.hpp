// A stapler with a responder of the test's own, under a clock that the test sets.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include "gateway/process/stapler.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/ocsp_responder.hpp"
#include "tests/support/patience.hpp"

namespace tidegate::test {

inline std::string tried_later() {
  return std::string("\x30\x03\x0a\x01\x03", 5);
}

struct Scene {
  Scene() { responder.answer(ca.say(issued)); }

  [[nodiscard]] Issued issue() {
    return ca.issue({.names = {"a.test"}, .responder = responder.url(), .chained = true});
  }
  [[nodiscard]] std::shared_ptr<const net::TlsServer> serve(const Issued& certificate) const {
    net::TlsServerSettings settings;
    net::TlsIdentity identity{{certificate.certificate, certificate.key, {}}, {}};
    identity.fetch.emplace();
    settings.identities.push_back(identity);
    return net::TlsServer::make(settings, keys, now);
  }
  void start(gateway::StaplerOptions options = {}) {
    options.now = [this] { return now; };
    stapler.emplace(context, std::make_shared<spdlog::logger>("test", sink), options);
    stapler->adopt({server});
  }

  void run_until(const std::string& what, const std::function<bool()>& condition) {
    wait_until(what, [&] {
      context.restart();
      context.poll();
      return condition();
    });
  }
  // As the timer would, this much later.
  void pass(std::chrono::milliseconds time) {
    now += time;
    stapler->look();
  }
  [[nodiscard]] std::uint64_t count(gateway::StapleResult result) const {
    std::uint64_t sum = 0;
    for (const auto& state : stapler->report()) sum += state.fetches[static_cast<std::size_t>(result)];
    return sum;
  }
  void wait_for(gateway::StapleResult result, std::uint64_t times = 1) {
    run_until("a fetch to end with " + std::string(name_of(result)) + ":\n" + log.str(),
              [&] { return count(result) == times; });
  }
  // Nothing is underway, and nothing was begun.
  [[nodiscard]] bool quiet() {
    const auto before = responder.connections();
    stapler->look();
    context.restart();
    context.poll();
    return responder.connections() == before;
  }
  [[nodiscard]] bool stapled(const net::TlsServer& by) const {
    return by.staples().at(0)->at(now) != nullptr;
  }
  [[nodiscard]] bool stapled() const { return stapled(*server); }
  [[nodiscard]] bool logged(const std::string& text) const {
    CAPTURE(log.str());
    return log.str().find(text) != std::string::npos;
  }

  Authority ca;
  OcspResponder responder;
  net::WallTime now = std::chrono::system_clock::now();
  std::shared_ptr<net::TicketKeys> keys = std::make_shared<net::TicketKeys>(std::chrono::hours(12));
  Issued issued = issue();
  std::shared_ptr<const net::TlsServer> server = serve(issued);
  std::ostringstream log;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink =
      std::make_shared<spdlog::sinks::ostream_sink_mt>(log);
  boost::asio::io_context context;
  std::optional<gateway::Stapler> stapler;
};

}  // namespace tidegate::test
