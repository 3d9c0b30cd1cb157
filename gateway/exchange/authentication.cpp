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
  PasswordVerdict verdict = PasswordVerdict::wrong;
};

// A coroutine that waits, and may be destroyed meanwhile.
class PendingCheck {
 public:
  explicit PendingCheck(net::EventLoop& loop) : signal_(loop) { outcome_->waiting = &signal_; }
  PendingCheck(const PendingCheck&) = delete;
  PendingCheck& operator=(const PendingCheck&) = delete;
  ~PendingCheck() { outcome_->waiting = nullptr; }

  [[nodiscard]] net::Signal& signal() { return signal_; }
  [[nodiscard]] PasswordVerdict verdict() const { return outcome_->verdict; }
  // To be called by any thread while the worker lives.
  [[nodiscard]] std::function<void(PasswordVerdict)> report_to(Worker& worker) const {
    return [&worker, outcome = outcome_](PasswordVerdict verdict) {
      worker.post([outcome, verdict] {
        outcome->verdict = verdict;
        if (outcome->waiting != nullptr) outcome->waiting->raise();
      });
    };
  }

 private:
  net::Signal signal_;
  std::shared_ptr<Outcome> outcome_ = std::make_shared<Outcome>();
};

// Why it is 401, in the record alone: what clients are told is the same for all of them. A name that is in
// the file may be told, one that is not may be a password that was typed in the wrong place.
FailureReason unauthorized(Exchange& exchange, std::string why) {
  exchange.failure_details = std::move(why);
  exchange.record.failure_details = exchange.failure_details;
  return FailureReason::unauthorized;
}

std::string missing_credentials(const http::Fields& fields) {
  if (!fields.find("authorization")) return "no credentials came";
  return "the credentials are not Basic, or malformed";
}

}  // namespace

net::Task<FailureReason> ClientConnection::authenticate(Exchange& exchange) {
  auto credentials = read_basic_credentials(exchange.request.fields);
  if (!credentials) co_return unauthorized(exchange, missing_credentials(exchange.request.fields));
  PasswordChecks::Check check;
  check.file = exchange.route->passwords;
  check.user = std::move(credentials->user);
  check.password = std::move(credentials->password);
  // Told apart as limits do by default; those without an address (a Unix socket's) are one.
  check.client = client_key(exchange.client_address, {}).value_or(ClientKey());
  exchange.user = check.user;
  auto& checks = worker_.passwords();
  if (!checks.remembers(check, worker_.now())) {
    PendingCheck pending(worker_.loop());
    check.done = pending.report_to(worker_);
    if (!checks.submit(std::move(check))) co_return FailureReason::authentication_busy;
    net::Wait wait(worker_.loop());
    wait.signal(pending.signal()).hangup(*stream_).until(worker_.now() + kLongestCheck);
    const auto cause = co_await wait;
    if (cause == net::Cause::hangup) co_return FailureReason::client_gone;
    if (cause == net::Cause::deadline) co_return FailureReason::authentication_busy;
    const auto verdict = pending.verdict();
    if (verdict == PasswordVerdict::unknown_user) co_return unauthorized(exchange, "there is no such user");
    if (verdict == PasswordVerdict::wrong)
      co_return unauthorized(exchange, "the password of " + exchange.user + " is wrong");
  }
  // Only now: who is in the log under a name has shown that he has it.
  exchange.record.remote_user = exchange.user;
  co_return FailureReason::none;
}

}  // namespace tidegate::gateway
