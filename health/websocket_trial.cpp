#include "health/websocket_trial.hpp"

#include <algorithm>

#include <openssl/evp.h>

#include "wire/http/upgrade.hpp"

namespace tidegate::health {
namespace {

constexpr int most_interim_heads = 8;
// What an endpoint may say of its own before the pong: greetings, or the state of a room.
constexpr std::uint64_t most_frame_bytes = 1024 * 1024;

std::string in_base64(const std::array<unsigned char, 16>& bytes) {
  std::array<unsigned char, 25> text{};  // EVP_EncodeBlock ends it with a NUL
  const int size = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(bytes.size()));
  return {text.begin(), text.begin() + size};
}

std::string list_of(const std::vector<std::string>& items) {
  std::string list;
  for (const auto& item : items) list.append(list.empty() ? "" : ", ").append(item);
  return list;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

bool names(const std::vector<conf::HttpHeader>& headers, std::string_view name) {
  return std::ranges::any_of(
      headers, [name](const auto& header) { return http::equals_ignoring_case(header.name, name); });
}

}  // namespace

WebSocketTrial::WebSocketTrial(const conf::WebSocketAction& action, std::string_view authority,
                               const TrialRandom& random)
    : random_(random), key_(in_base64(random.key)), offered_(list_of(action.protocols)) {
  request_.append("GET ").append(action.path).append(" HTTP/1.1\r\n");
  if (!names(action.http_headers, "host"))
    append_field(request_, "Host", action.host.empty() ? authority : std::string_view(action.host));
  if (!names(action.http_headers, "user-agent"))
    append_field(request_, "User-Agent", "kube-probe/tidegate");  // as the other probes
  append_field(request_, "Upgrade", "websocket");
  append_field(request_, "Connection", "Upgrade");
  append_field(request_, "Sec-WebSocket-Key", key_);
  append_field(request_, "Sec-WebSocket-Version", "13");
  if (!offered_.empty()) append_field(request_, "Sec-WebSocket-Protocol", offered_);
  for (const auto& header : action.http_headers) append_field(request_, header.name, header.value);
  request_ += "\r\n";
  scanner_.withhold_pongs(random_.cookie);
  ping_ = websocket::make_ping(websocket::Sender::client, random_.cookie, random_.masks[0]);
}

WebSocketTrial::Step WebSocketTrial::receive(std::string_view bytes) {
  if (opened_) return follow(bytes);
  head_.append(bytes);
  return read_head();
}

WebSocketTrial::Step WebSocketTrial::read_head() {
  for (;;) {
    http::ResponseHead response;
    parser_.reset();
    switch (parser_.parse_response(head_, response)) {
      case http::Progress::incomplete: return Step::listen;
      case http::Progress::failed:
        return end(ProbeOutcome::invalid_answer,
                   "the answer is not HTTP: " + std::string(describe(parser_.error())));
      case http::Progress::complete: break;
    }
    const bool interim = response.status < 200 && response.status != 101;
    if (!interim || ++interim_answers_ > most_interim_heads) return judge_head(response);
    head_.erase(0, response.size);
  }
}

WebSocketTrial::Step WebSocketTrial::judge_head(const http::ResponseHead& response) {
  status_ = response.status;
  if (status_ != 101)
    return end(ProbeOutcome::not_ready, "HTTP " + std::to_string(status_) + " instead of 101");
  http::RequestHead asked;
  asked.fields.push_back({"Sec-WebSocket-Key", key_});
  if (!offered_.empty()) asked.fields.push_back({"Sec-WebSocket-Protocol", offered_});
  const auto fault = http::check_switch(asked, response);
  if (fault != http::SwitchFault::none)
    return end(ProbeOutcome::invalid_answer, "the 101 is faulty: " + std::string(describe(fault)));
  opened_ = true;
  const auto behind = std::exchange(head_, {}).substr(response.size);
  return follow(behind) == Step::end ? Step::end : Step::ping;
}

WebSocketTrial::Step WebSocketTrial::follow(std::string_view bytes) {
  websocket::FrameRules rules;
  rules.enforced = true;
  frame_bytes_ += bytes.size();
  scanner_.filter(bytes, rules, [](std::string_view) {});
  if (scanner_.own_pong_seen()) return end(ProbeOutcome::pass, "101 and pong");
  if (scanner_.fault() != websocket::FrameFault::none)
    return end(ProbeOutcome::invalid_answer, "a frame is faulty: " + std::string(describe(scanner_.fault())));
  if (scanner_.close_ended())
    return end(ProbeOutcome::not_ready,
               "Close " + std::to_string(scanner_.close_code()) + " before the pong");
  if (frame_bytes_ > most_frame_bytes)
    return end(ProbeOutcome::invalid_answer, "1 MiB of other frames before the pong");
  return Step::listen;
}

WebSocketTrial::Step WebSocketTrial::end(ProbeOutcome outcome, std::string evidence) {
  outcome_ = outcome;
  evidence_ = std::move(evidence);
  const auto fault = scanner_.fault();
  const auto code = fault == websocket::FrameFault::none ? std::uint16_t{1000} : close_code_for(fault);
  close_ = websocket::make_close(websocket::Sender::client, code, {}, random_.masks[1]);
  return Step::end;
}

std::string_view WebSocketTrial::farewell() const {
  return opened_ ? close_.view() : std::string_view();
}

}  // namespace tidegate::health
