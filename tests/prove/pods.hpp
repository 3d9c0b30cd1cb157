// The pods of a run: three demo pods that keep their ports over restarts.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/prove/process.hpp"
#include "tests/prove/rollout.hpp"

namespace tidegate::prove {

// What a pod says of itself; zeros if it cannot be asked.
struct PodCounts {
  std::uint64_t sockets = 0;
  std::uint64_t peak = 0;
  std::uint64_t handshakes = 0;
  std::uint64_t handshakes_unready = 0;
  std::uint64_t messages = 0;  // received; each is echoed unless its socket has ended
};

// What the life of a pod has come to, for whoever tells of it.
enum class PodPhase {
  terminating,  // in the moment of its SIGTERM
  gone,
  starting,
  ready,
};

class Pods {
 public:
  using Journal = std::function<void(const std::string& what)>;
  struct Settings {
    std::string program;
    std::string log_directory;
    std::vector<std::uint16_t> ports;
    Rollout rollout;
    std::function<void(std::size_t pod, PodPhase)> told = [](std::size_t, PodPhase) {};
  };

  [[nodiscard]] std::size_t size() const { return processes_.size(); }
  [[nodiscard]] boost::asio::ip::tcp::endpoint address(std::size_t pod) const;

  // `journal` is told of every restart.
  Pods(boost::asio::io_context& context, Settings settings, Journal journal);

  // Starts all, at once and ready; throws std::runtime_error if one does not get there.
  boost::asio::awaitable<void> start();
  // Performs the steps; `began` is the start of the load.
  boost::asio::awaitable<void> roll(std::chrono::steady_clock::time_point began);
  // SIGTERM, and the pod anew; returns when it is ready.
  boost::asio::awaitable<void> renew(std::size_t pod);
  // Makes every `/ready` answer 503 for `time`.
  boost::asio::awaitable<void> turn_unready(std::chrono::milliseconds time);
  boost::asio::awaitable<PodCounts> count(std::size_t pod) const;
  boost::asio::awaitable<std::vector<PodCounts>> counts() const;
  boost::asio::awaitable<void> end();

 private:
  enum class Beginning { at_once, delayed };

  void launch(std::size_t pod, Beginning beginning);
  boost::asio::awaitable<void> wait_ready(std::size_t pod) const;
  boost::asio::awaitable<void> restart(Step step);
  boost::asio::awaitable<void> take_all_down();
  boost::asio::awaitable<void> kill(std::size_t pod);

  boost::asio::io_context& context_;
  Settings settings_;
  Journal journal_;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace tidegate::prove
