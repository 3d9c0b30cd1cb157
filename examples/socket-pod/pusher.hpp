// The few messages of the Pusher protocol that a socket pod speaks (https://pusher.com/docs/channels/
// library_auth_reference/pusher-websockets-protocol).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidegate::pod {

// Close code of the 4200-4299 range: "connect again at once".
inline constexpr std::uint16_t reconnect_code = 4200;

// `pusher:connection_established`: its `data` is a JSON object written as a string.
[[nodiscard]] std::string greeting(std::string_view socket_id);

// `pusher:error` with code 4200, sent ahead of the Close frame.
[[nodiscard]] std::string farewell();

// The answer to a text message: `pusher:pong` to a ping, the confirmation to a subscription; none for any
// other message, which is echoed as it is.
[[nodiscard]] std::optional<std::string> protocol_answer(std::string_view message);

}  // namespace tidegate::pod
