#include "wire/net/tls_handshake.hpp"

#include "wire/net/wait.hpp"

namespace tidegate::net {

Task<error_code> handshake(Stream& stream, TimePoint deadline, Stream* client) {
  for (;;) {
    Want want = Want::nothing;
    const auto error = stream.try_handshake(want);
    if (!would_block(error)) co_return error;
    Wait wait(stream.loop());
    if (want == Want::readable) wait.readable(stream);
    if (want == Want::writable) wait.writable(stream);
    wait.until(deadline);
    if (client != nullptr) wait.hangup(*client);
    const auto cause = co_await wait;
    if (cause == Cause::deadline) co_return make_error(ETIMEDOUT);
    if (cause == Cause::hangup) co_return make_error(ECANCELED);
  }
}

}  // namespace tidegate::net
