// Asking clients for a name and password.
#include <memory>
#include <utility>

#include "gateway/exchange/basic_credentials.hpp"
#include "gateway/exchange/client_connection.hpp"
#include "gateway/process/password_checks.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"

namespace tidegate::gateway {
namespace {

// The whole queue takes less, even with slow hashes.
constexpr std::chrono::seconds kLongestCheck{30};

// Where the outcome is left; on the worker's thread only. Whoever waits for it may have gone.
struct Outcome {
  net::Signal* waiting = nullptr;
  bool right = false;
};

// A coroutine that waits, and may be destroyed meanwhile.
class PendingCheck {
 public:
  explicit PendingCheck(net::EventLoop& loop) : signal_(loop) { outcome_->waiting = &signal_; }
  PendingCheck(const PendingCheck&) = delete;
  PendingCheck& operator=(const PendingCheck&) = delete;
  ~PendingCheck() { outcome_->waiting = nullptr; }

  [[nodiscard]] net::Signal& signal() { return signal_; }
  [[nodiscard]] bool right() const { return outcome_->right; }
  // To be called by any thread while the worker lives.
  [[nodiscard]] std::function<void(bool)> report_to(Worker& worker) const {
    return [&worker, outcome = outcome_](bool right) {
      worker.post([outcome, right] {
        outcome->right = right;
        if (outcome->waiting != nullptr) outcome->waiting->raise();
      });
    };
  }

 private:
  net::Signal signal_;
  std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
};

}  // namespace

net::Task<FailureReason> ClientConnection::authenticate(Exchange& exchange) {
  auto credentials = read_basic_credentials(exchange.request.fields);
  if (!credentials) co_return FailureReason::unauthorized;
  PasswordChecks::Check check;
  check.file = exchange.route->passwords;
  check.user = std::move(credentials->user);
  check.password = std::move(credentials->password);
  // Told apart as limits do by default; those without an address (a Unix socket's) are one.
  check.client = client_key(exchange.client_address, {}).value_or(ClientKey());
  exchange.user = check.user;
  auto& checks = worker_.passwords();
  bool right = checks.remembers(check, worker_.now());
  if (!right) {
    PendingCheck pending(worker_.loop());
    check.done = pending.report_to(worker_);
    if (!checks.submit(std::move(check))) co_return FailureReason::authentication_busy;
    net::Wait wait(worker_.loop());
    wait.signal(pending.signal()).hangup(*stream_).until(worker_.now() + kLongestCheck);
    const auto cause = co_await wait;
    if (cause == net::Cause::hangup) co_return FailureReason::client_gone;
    if (cause == net::Cause::deadline) co_return FailureReason::authentication_busy;
    right = pending.right();
  }
  // Only now: who is in the log under a name has shown that he has it.
  if (right) exchange.record.remote_user = exchange.user;
  co_return right ? FailureReason::none : FailureReason::unauthorized;
}

}  // namespace tidegate::gateway
