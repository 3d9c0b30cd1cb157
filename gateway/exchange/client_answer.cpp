// What a client connection says for itself, and its orderly end.
#include "gateway/exchange/acme_challenge.hpp"
#include "gateway/exchange/client_connection.hpp"
#include "gateway/exchange/local_reply.hpp"
#include "gateway/process/worker.hpp"
#include "wire/net/wait.hpp"
#include "wire/net/write_all.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::chrono::seconds kLinger{5};
constexpr std::size_t kLingerBytes = 4 * 1024 * 1024;

}  // namespace

// Before its head is read, which would take a buffer for as long as the client likes.
net::Task<After> ClientConnection::refuse_unread(Exchange& exchange) {
  exchange.out = worker_.buffers().take();
  const auto after = co_await refuse(exchange, FailureReason::buffers_full, "`bufferMemory` is used up");
  worker_.finish(exchange, nullptr);
  co_return after;
}

net::Task<After> ClientConnection::answer_challenge(Exchange& exchange) {
  conf::RespondAction respond;
  const auto found = read_acme_answer(exchange.view->config->acme_challenges, exchange.path);
  if (!found) co_return co_await refuse(exchange, FailureReason::no_route, "no such challenge");
  respond.body = *found;
  respond.content_type = "application/octet-stream";
  const bool keep = keeps_alive(exchange) && exchange.framing.kind == http::BodyKind::none && !is_leaving();
  write_fixed(exchange, respond, keep, worker_.unix_seconds());
  co_return co_await send_out(exchange, keep);
}

net::Task<After> ClientConnection::send_to_tls(Exchange& exchange) {
  if (exchange.host.empty() || exchange.target.form == http::TargetForm::asterisk)
    co_return co_await refuse(exchange, FailureReason::bad_request, "there is no https URI for this request");
  const bool keep = keeps_alive(exchange) && exchange.framing.kind == http::BodyKind::none && !is_leaving();
  auto& location = exchange.scratch;
  location.assign("https://").append(exchange.host).append(exchange.target.path);
  if (exchange.target.has_query) location.append("?").append(exchange.target.query);
  write_redirect(exchange, 308, location, keep, worker_.unix_seconds());
  co_return co_await send_out(exchange, keep);
}

net::Task<After> ClientConnection::refuse(Exchange& exchange, FailureReason reason, std::string_view details,
                                          int retry_after_seconds) {
  exchange.record.failure = reason;
  // What a check has left in the record is for the log alone.
  if (!details.empty()) exchange.record.failure_details = details;
  if (reason == FailureReason::client_gone) {
    exchange.record.status = static_cast<std::uint16_t>(describe(reason).status);
    co_return After::abort;
  }
  // After a fault of syntax nobody knows where the next request begins (RFC 9112 9.3). An unrouted or
  // unacceptable request without a body is whole, and its connection may go on.
  const bool whole = reason == FailureReason::no_route || reason == FailureReason::denied ||
                     reason == FailureReason::unauthorized || reason == FailureReason::upgrade_required ||
                     reason == FailureReason::expectation_failed ||
                     reason == FailureReason::too_many_requests;
  const bool keep =
      whole && exchange.framing.kind == http::BodyKind::none && keeps_alive(exchange) && !is_leaving();
  write_failure(exchange, {reason, details, keep, retry_after_seconds}, worker_.unix_seconds());
  co_return co_await send_out(exchange, keep);
}

net::Task<After> ClientConnection::send_out(Exchange& exchange, bool keep_alive) {
  const auto error =
      co_await net::write_all(*stream_, exchange.out.text(), settings(exchange).timeouts.write_stall);
  if (error) co_return After::abort;
  co_return keep_alive ? After::keep : After::close;
}

net::Task<> ClientConnection::linger() {
  // RFC 9112 9.6: a close with unread bytes makes the kernel send RST, which can take the answer from the
  // client.
  stream_->shutdown_write();
  const auto deadline = worker_.now() + kLinger;
  std::size_t discarded = 0;
  while (discarded < kLingerBytes) {
    const auto read = stream_->try_read(worker_.scratch());
    if (read.has_value()) {
      if (*read == 0) co_return;
      discarded += *read;
      continue;
    }
    if (!net::would_block(read.error())) co_return;
    net::Wait wait(worker_.loop());
    wait.readable(*stream_).until(deadline);
    if (co_await wait == net::Cause::deadline) co_return;
  }
}

}  // namespace tidegate::gateway
