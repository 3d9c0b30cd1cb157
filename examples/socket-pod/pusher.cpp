#include "examples/socket-pod/pusher.hpp"

#include <boost/json.hpp>

namespace tidegate::pod {
namespace {

namespace json = boost::json;

constexpr int activity_timeout_seconds = 30;

std::string_view string_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

}  // namespace

std::string greeting(std::string_view socket_id) {
  const json::object data{{"socket_id", socket_id}, {"activity_timeout", activity_timeout_seconds}};
  return json::serialize(
      json::object{{"event", "pusher:connection_established"}, {"data", json::serialize(data)}});
}

std::string farewell() {
  const json::object data{{"code", reconnect_code}, {"message", "Server closed. Please reconnect shortly."}};
  return json::serialize(json::object{{"event", "pusher:error"}, {"data", data}});
}

std::optional<std::string> protocol_answer(std::string_view message) {
  // Most messages are no events of the protocol itself; they are not worth parsing.
  if (message.find("\"pusher:") == std::string_view::npos) return std::nullopt;
  boost::system::error_code error;
  const auto value = json::parse(message, error);
  if (error || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto event = string_at(object, "event");
  if (event == "pusher:ping") return json::serialize(json::object{{"event", "pusher:pong"}, {"data", "{}"}});
  if (event != "pusher:subscribe") return std::nullopt;
  const auto* data = object.if_contains("data");
  if (data == nullptr || !data->is_object()) return std::nullopt;
  return json::serialize(json::object{{"event", "pusher_internal:subscription_succeeded"},
                                      {"channel", string_at(data->get_object(), "channel")},
                                      {"data", "{}"}});
}

}  // namespace tidegate::pod
