#include "wire/net/tls_handshake.hpp"

namespace tidegate::net {

Task<error_code> handshake(Stream& stream, OpeningLimits limits) {
  for (;;) {
    Want want = Want::nothing;
    const auto error = stream.try_handshake(want);
    if (!would_block(error)) co_return error;
    Wait wait(stream.loop());
    if (want == Want::readable) wait.readable(stream);
    if (want == Want::writable) wait.writable(stream);
    wait.until(limits.deadline);
    if (limits.client != nullptr) wait.hangup(*limits.client);
    if (limits.called_off != nullptr) wait.signal(*limits.called_off);
    const auto cause = co_await wait;
    if (cause == Cause::deadline) co_return make_error(ETIMEDOUT);
    if (cause == Cause::hangup) co_return make_error(ECANCELED);
    if (cause == Cause::signal) co_return make_error(ESTALE);
  }
}

}  // namespace tidegate::net
