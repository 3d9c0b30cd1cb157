// What is tried in a run, once pods and hop are up.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/prove/conversation.hpp"
#include "tests/prove/hop.hpp"
#include "tests/prove/kube_service.hpp"
#include "tests/prove/pods.hpp"
#include "tests/prove/report.hpp"
#include "tests/support/certificates.hpp"

namespace tidegate::prove {

// The parts of a run that a trial works with; they outlive it.
struct Scene {
  boost::asio::io_context& context;
  const Options& options;
  Hop& hop;
  Pods& pods;
  Progress& progress;
  const Rollout& rollout;
  RunResult& result;
  test::Authority* authority = nullptr;  // where there is TLS
  KubeService* service = nullptr;        // Trial::kubernetes
};

// Trusts the authority and nobody else.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> trust(const test::Authority& authority);
// What all clients share, as the hop is reached; its time begins now.
[[nodiscard]] Load make_load(Scene& scene);

// Trial::drain and Trial::reload.
boost::asio::awaitable<void> hold_drain(Scene& scene);
boost::asio::awaitable<void> hold_reload(Scene& scene);

// Holds the trial that the options name and fills in the result's tally and checks.
boost::asio::awaitable<void> hold_trial(Scene& scene);

}  // namespace tidegate::prove
