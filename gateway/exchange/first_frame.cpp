#include "gateway/exchange/first_frame.hpp"

#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "health/leave_signal.hpp"

namespace tidegate::gateway {
namespace {

namespace json = boost::json;

// The first bytes of a whole message in one frame, without extensions (RFC 6455 5.2).
constexpr char kText = static_cast<char>(0x81);
constexpr char kClose = static_cast<char>(0x88);
constexpr std::size_t kTwoByteLength = 126;  // above it: eight bytes of length, or a mask
constexpr std::size_t kShortHeader = 2;
constexpr std::size_t kLongHeader = 4;

constexpr FirstWords kIncomplete{};
constexpr FirstWords kOrdinary{FirstFrame::ordinary, 0};

std::size_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

bool sends_away(std::uint16_t code) {
  return code == 1001 || health::speaks_of_leaving(code);
}

FirstWords read_close(std::string_view bytes) {
  const auto length = byte_at(bytes, 1);
  if (length < 2 || length >= kTwoByteLength) return kOrdinary;
  if (bytes.size() < kShortHeader + 2) return kIncomplete;
  const auto code = static_cast<std::uint16_t>(byte_at(bytes, 2) << 8 | byte_at(bytes, 3));
  return sends_away(code) ? FirstWords{FirstFrame::close, code} : kOrdinary;
}

// `data` is an object or, as in most messages of the protocol, an object written as a string.
std::optional<std::int64_t> code_of(const json::value& data) {
  if (const auto* const text = data.if_string()) {
    boost::system::error_code error;
    const auto parsed = json::parse(*text, error);
    return error || !parsed.is_object() ? std::nullopt : code_of(parsed);
  }
  const auto* const object = data.if_object();
  const auto* const code = object == nullptr ? nullptr : object->if_contains("code");
  const auto* const number = code == nullptr ? nullptr : code->if_int64();
  return number == nullptr ? std::nullopt : std::optional(*number);
}

// {"event":"pusher:error","data":{"code":4200,"message":"Server closed. Please reconnect shortly."}}
FirstWords read_message(std::string_view text) {
  if (text.find("pusher:error") == std::string_view::npos) return kOrdinary;  // not worth parsing
  boost::system::error_code error;
  const auto message = json::parse(text, error);
  const auto* const object = error ? nullptr : message.if_object();
  if (object == nullptr) return kOrdinary;
  const auto* const event = object->if_contains("event");
  const auto* const name = event == nullptr ? nullptr : event->if_string();
  const auto* const data = object->if_contains("data");
  if (name == nullptr || *name != "pusher:error" || data == nullptr) return kOrdinary;
  const auto code = code_of(*data);
  // Only the codes of Pusher's that mean `connect again`: the others are about this client.
  if (!code || *code < 4200 || *code > 4299) return kOrdinary;
  const auto known = static_cast<std::uint16_t>(*code);
  return health::speaks_of_leaving(known) ? FirstWords{FirstFrame::error, known} : kOrdinary;
}

FirstWords read_text(std::string_view bytes) {
  auto length = byte_at(bytes, 1);
  auto header = kShortHeader;
  if (length > kTwoByteLength) return kOrdinary;
  if (length == kTwoByteLength) {
    header = kLongHeader;
    if (bytes.size() < header) return kIncomplete;
    length = byte_at(bytes, 2) << 8 | byte_at(bytes, 3);
  }
  if (length > longest_first_payload) return kOrdinary;
  if (bytes.size() < header + length) return kIncomplete;
  return read_message(bytes.substr(header, length));
}

}  // namespace

FirstWords read_first_frame(std::string_view bytes) {
  if (bytes.empty()) return kIncomplete;
  const bool known = bytes[0] == kText || bytes[0] == kClose;
  if (!known) return kOrdinary;
  if (bytes.size() < kShortHeader) return kIncomplete;
  return bytes[0] == kClose ? read_close(bytes) : read_text(bytes);
}

std::string describe(const FirstWords& words) {
  const std::string kind = words.frame == FirstFrame::close ? "Close" : "pusher:error";
  return "answered a handshake by " + kind + " " + std::to_string(words.code);
}

}  // namespace tidegate::gateway
