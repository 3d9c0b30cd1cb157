#include <array>
#include <limits>

#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();

void describe_rate(Fields& fields, SocketRate& rate) {
  static constexpr std::array<std::string_view, 2> over{"pause", "close"};
  fields.integer({"messagesPerSecond", "0: no limit."}, rate.messages_per_second, {0, 1'000'000});
  fields.size({"bytesPerSecond", "Frames as they are on the wire; 0: no limit."}, rate.bytes_per_second,
              {0, 1'000'000'000});
  fields.duration({"burst", "What may come at once: that of so much time."}, rate.burst);
  fields.choice({"over", "Over it: `pause` reads on later, `close` ends the WebSocket with 1008."}, rate.over,
                over);
}

void describe_pings(Fields& fields, SocketPings& pings) {
  const DurationRange or_none{Duration::zero(), DurationRange{}.most};
  fields.duration({"client", "After so long without a byte from the client; 0: never."}, pings.client,
                  or_none);
  fields.duration({"upstream", "After so long without a byte from the endpoint; 0: never."}, pings.upstream,
                  or_none);
  fields.integer({"deadAfter", "Who is silent for so many intervals is dead: Close 1001 to the other side."},
                 pings.dead_after, {2, 100});
}

}  // namespace

void describe_websocket(Fields& fields, WebSocketPolicy& policy) {
  static constexpr std::array<std::string_view, 3> kinds{"enforce", "watch", "off"};
  fields.object({"webSocket", "What is done about the frames of WebSockets."}, [&policy](Fields& inner) {
    inner.choice({"inspect",
                  "`enforce` ends a WebSocket that breaks the protocol (Close 1002), `watch` only counts, "
                  "`off` passes bytes."},
                 policy.inspect, kinds);
    inner.size({"maxFrame", "Longest frame as it is on the wire, over it Close 1009; 0: no limit."},
               policy.frame_bytes, {0, largest});
    inner.size({"maxMessage", "The same for all fragments of a message; 0: no limit."}, policy.message_bytes,
               {0, largest});
    inner.object({"maxRate", "How fast one client may send."},
                 [&policy](Fields& rate) { describe_rate(rate, policy.rate); });
    inner.object({"ping", "Pings of the gateway's own, to keep quiet WebSockets open and to find dead ones."},
                 [&policy](Fields& pings) { describe_pings(pings, policy.pings); });
  });
}

}  // namespace tidegate::conf
