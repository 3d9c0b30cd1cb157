#include "tests/prove/company.hpp"

#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "tests/prove/fetch.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {
constexpr milliseconds tick{50};
}

Company::Company(Scene& scene, Load& load, unsigned size, std::string target)
    : record(scene.pods.size()), scene_(scene), load_(load), size_(size), target_(std::move(target)) {}

void Company::start() {
  for (unsigned i = 0; i < size_; ++i) {
    auto& client = clients_.emplace_back(
        std::make_unique<SteadyClient>(scene_.context, load_, record, SteadyClient::Place{i, target_}));
    asio::co_spawn(scene_.context, client->run(), [this](std::exception_ptr failure) {
      ++ended_;
      if (failure) failure_ = failure;
    });
  }
}

asio::awaitable<bool> Company::wait_until(milliseconds time, std::function<bool()> condition) {
  const auto end = Clock::now() + time;
  while (!condition()) {
    if (failure_) std::rethrow_exception(failure_);
    if (Clock::now() > end) co_return false;
    scene_.progress.show(load_.tally);
    co_await pause(tick);
  }
  co_return true;
}

asio::awaitable<void> Company::end() {
  for (auto& client : clients_) client->leave();
  const bool over = co_await wait_until(2 * load_.message_patience, [this] { return ended_ == size_; });
  if (!over) throw std::runtime_error("clients do not come to an end");
}

}  // namespace tidegate::prove
