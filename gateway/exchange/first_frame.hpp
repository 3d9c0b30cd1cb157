// What a pod says first behind its 101: whether it only lets the client in to send it away. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidegate::gateway {

enum class FirstFrame : std::uint8_t {
  incomplete,  // more bytes may tell
  ordinary,    // anything else: the client's
  close,       // a Close that says that the pod is leaving
  error,       // Pusher's `pusher:error` that says so; a Close follows
};

struct FirstWords {
  FirstFrame frame = FirstFrame::incomplete;
  std::uint16_t code = 0;  // of a Close or an error
};

// A frame with more payload than this is an ordinary one, whatever it says.
inline constexpr std::size_t longest_first_payload = 1024;

// Looks at the bytes behind a pod's 101, as many as have come. A Close tells by its code as soon as that is
// there: 1001, or one that speaks of leaving (health/leave_signal.hpp). The client has said nothing that a
// server could echo, so that 1001 is the server's own here. A text in one frame is read as a message of the
// Pusher protocol; one that is compressed is not.
[[nodiscard]] FirstWords read_first_frame(std::string_view bytes);

// "answered a handshake by Close 4200", as a cause; for the two that say that it leaves.
[[nodiscard]] std::string describe(const FirstWords& words);

}  // namespace tidegate::gateway
