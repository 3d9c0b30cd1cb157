#include <array>
#include <limits>
#include <string>

#include "conf/describe.hpp"
#include "conf/spelling.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

// A leaving Soketi says so right behind its 101, in the same write or the next.
constexpr std::chrono::milliseconds soketi_redrive{30};
constexpr DurationRange redrive_range{Duration::zero(), std::chrono::seconds(5)};
enum class Preset { none, soketi };
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

struct CloseKey {
  Key key;
  CloseCause cause;
};
constexpr std::array<CloseKey, 6> close_keys{
    {{{"draining", "Its endpoint is leaving."}, CloseCause::draining},
     {{"lost", "Its endpoint went without a word."}, CloseCause::lost},
     {{"removed", "A new configuration has no such route."}, CloseCause::removed},
     {{"shutdown", "The gateway itself ends."}, CloseCause::shutdown},
     {{"rebalance", "Other endpoints have less to do."}, CloseCause::rebalance},
     {{"overflow", "There is no room for it (`hold.overflow: close`)."}, CloseCause::overflow}}};

std::string take_close_code(const Scalar& scalar, std::uint16_t& code) {
  const auto number = parse_integer(scalar.text);
  if (!number || *number > 4999)
    return "a code of a Close frame is a number up to 4999, found " + quote(scalar.text);
  code = static_cast<std::uint16_t>(*number);
  return {};
}

void describe_close_words(Fields& fields, const Key& key, CloseWords& words) {
  Shapes shapes;
  shapes.form = "a code of a Close frame";
  shapes.take_text = [&words](const Scalar& scalar) { return take_close_code(scalar, words.code); };
  shapes.take_object = [&words](Fields& inner) {
    inner.integer({"code", "RFC 6455 7.4: 1000 to 1014 without 1004, 1005 and 1006, or 3000 to 4999."},
                  words.code, {1000, 4999});
    inner.text({"reason", "At most 123 bytes."}, words.reason, "a text");
  };
  fields.shaped(key, shapes, std::to_string(words.code));
}

}  // namespace

void describe_drain(Fields& fields, DrainPolicy& drain) {
  fields.duration({"window", "They are ended one by one over this time, those that are idle first."},
                  drain.window);
  fields.duration({"deadline",
                   "Until when they wait while no other endpoint can take their clients; then all that are "
                   "left end at once. To be shorter than the pods' `terminationGracePeriodSeconds`."},
                  drain.deadline);
  fields.integer({"maxPerSecond", "Never faster than this, however short the window; 0: as the window says."},
                 drain.most_per_second, {0, 1'000'000});
}

void describe_closes(Fields& fields, CloseWordsByCause& closes) {
  Shapes shapes;
  shapes.words = {"standard", "pusher"};
  shapes.take_word = [&closes](std::size_t word) {
    if (word == 1) closes.speak_pusher();
  };
  shapes.take_object = [&closes](Fields& inner) {
    for (const auto& [key, cause] : close_keys) describe_close_words(inner, key, closes.of(cause));
  };
  fields.shaped(
      {"closes",
       "What clients are told by a Close frame, by cause: a code, or a map with `code` and `reason`. "
       "`pusher`: 4200 for each, at which Pusher clients come back at once, and 4100 for `overflow`."},
      shapes, "standard");
}

void describe_preset(Fields& fields, WebSocketPolicy& policy) {
  static constexpr std::array<std::string_view, 2> names{"none", "soketi"};
  auto preset = Preset::none;
  fields.choice({"preset",
                 "Defaults for pods of a kind. `soketi`: `webSocket.redrive` is 30ms. What is written goes "
                 "before it."},
                preset, names);
  if (preset == Preset::soketi) policy.redrive = soketi_redrive;
}

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
    inner.duration(
        {"redrive",
         "A 101 waits so long for the endpoint's first frame. If that sends the client away (Close 1001, "
         "1012, 1013 or 4200 to 4299, or `pusher:error` with such a code), the client is not told: the "
         "endpoint is taken out, and the handshake is made anew elsewhere, as often as `retry` allows. For "
         "endpoints that do so only when they leave; 0: off."},
        policy.redrive, redrive_range);
  });
}

}  // namespace tidegate::conf
