// The steady clients of a trial, and what they see.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "tests/prove/drain_record.hpp"
#include "tests/prove/steady_client.hpp"
#include "tests/prove/trials.hpp"

namespace tidegate::prove {

class Company {
 public:
  // Both outlive it. All clients open their sockets at `target`.
  Company(Scene& scene, Load& load, unsigned size, std::string target = default_target);

  void start();
  [[nodiscard]] unsigned size() const { return size_; }
  // Every client has a socket.
  [[nodiscard]] bool is_complete() const { return record.open() == size_; }
  // False after the time; throws what a client has failed by. Shows the progress meanwhile.
  boost::asio::awaitable<bool> wait_until(std::chrono::milliseconds time, std::function<bool()> condition);
  // All say goodbye; throws std::runtime_error if they do not come to an end.
  boost::asio::awaitable<void> end();

  DrainRecord record;

 private:
  Scene& scene_;
  Load& load_;
  const unsigned size_;
  const std::string target_;
  std::vector<std::unique_ptr<SteadyClient>> clients_;
  std::size_t ended_ = 0;
  std::exception_ptr failure_;
};

}  // namespace tidegate::prove
