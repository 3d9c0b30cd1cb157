#include "tests/fuzz/messages.hpp"

#include <algorithm>
#include <cstdlib>

#include "gateway/exchange/framed_run.hpp"
#include "gateway/exchange/request_writer.hpp"

namespace tidegate::fuzz {
namespace {

void append(std::string& text, gateway::FramedRun& run) {
  for (const auto& piece : run.pieces()) text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
}

gateway::ProxyRoute proxy_route(bool replace_prefix) {
  gateway::ProxyRoute route;
  if (replace_prefix) route.settings.replace_prefix = "/other";
  return route;
}

ReadBody read_chunks(std::string_view bytes) {
  ReadBody body;
  http::ChunkDecoder decoder;
  while (body.consumed < bytes.size() && !decoder.done() && decoder.error() == http::ChunkError::none) {
    const auto step = decoder.next(bytes.substr(body.consumed));
    body.data += step.data;
    body.consumed += step.consumed;
    if (step.consumed == 0) break;
  }
  body.whole = decoder.done();
  if (body.whole) body.trailers = decoder.trailers();
  return body;
}

}  // namespace

ReadBody read_body(std::string_view bytes, const http::Framing& framing) {
  ReadBody body;
  switch (framing.kind) {
    case http::BodyKind::none: body.whole = true; return body;
    case http::BodyKind::chunked: return read_chunks(bytes);
    case http::BodyKind::until_close: body.consumed = bytes.size(); break;
    case http::BodyKind::length:
      body.consumed = static_cast<std::size_t>(std::min<std::uint64_t>(framing.length, bytes.size()));
      break;
  }
  body.data = bytes.substr(0, body.consumed);
  body.whole = framing.kind == http::BodyKind::until_close || body.consumed == framing.length;
  return body;
}

std::string frame_body(const ReadBody& body, http::BodyKind kind, std::size_t run) {
  if (kind == http::BodyKind::none) return {};
  if (kind != http::BodyKind::chunked) return body.data;
  std::string text;
  for (auto rest = std::string_view(body.data); !rest.empty();) {
    gateway::FramedRun framed;
    framed.chunk(rest.substr(0, run));
    append(text, framed);
    rest.remove_prefix(std::min(run, rest.size()));
  }
  gateway::FramedRun last;
  last.last_chunk(body.trailers);
  append(text, last);
  return text;
}

// === Hop ===

Hop::Hop() : endpoint_(1, "pod", {"192.0.2.2", 80, {}}, 0) {
  route_.action = proxy_route(false);
  exchange_.route = &route_;
  exchange_.client_address = "192.0.2.1";
  exchange_.peer_address = exchange_.client_address;
  exchange_.record.client_address = exchange_.client_address;
  exchange_.record.server_address = "192.0.2.3:80";
}

bool Hop::judge_request() {
  const auto& request = exchange_.request;
  const auto framing = http::request_framing(request);
  if (!framing) return false;
  exchange_.framing = *framing;
  const auto target = http::parse_target(request.method, request.target);
  if (!target) return false;
  exchange_.target = *target;
  exchange_.authority =
      target->authority.empty() ? request.fields.find("host").value_or("") : target->authority;
  if (target->form == http::TargetForm::asterisk) {
    exchange_.path = "/";
  } else if (!http::normalise_path(target->path, exchange_.path)) {
    return false;
  }
  exchange_.upgrade = http::upgrade_asked(request, *framing);
  if (exchange_.upgrade == http::UpgradeAsk::other) exchange_.upgrade = http::UpgradeAsk::none;
  return exchange_.upgrade == http::UpgradeAsk::none || exchange_.upgrade == http::UpgradeAsk::websocket;
}

std::string Hop::request_head(bool replace_prefix) {
  const auto route = proxy_route(replace_prefix);
  return written([&](gateway::Exchange& exchange) { return write_request(exchange, route, endpoint_); });
}

// === the careless reader ===

namespace {

// Takes a line off the front, whatever ends it.
std::string_view take_line(std::string_view& rest) {
  const auto end = std::min(rest.find_first_of("\r\n"), rest.size());
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end);
  if (rest.starts_with("\r\n")) {
    rest.remove_prefix(2);
  } else if (!rest.empty()) {
    rest.remove_prefix(1);
  }
  return line;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c == '_') c = '-';
  }
  return out;
}

void skip_chunks(std::string_view& rest) {
  for (;;) {
    const auto size = std::strtoull(std::string(take_line(rest)).c_str(), nullptr, 16);
    if (size == 0) break;
    rest.remove_prefix(std::min<std::size_t>(size, rest.size()));
    (void)take_line(rest);
    if (rest.empty()) return;
  }
  while (!rest.empty() && !take_line(rest).empty()) continue;
}

}  // namespace

std::size_t careless_size(std::string_view bytes, bool bodiless) {
  auto rest = bytes;
  (void)take_line(rest);
  bool chunked = false;
  unsigned long long length = 0;
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    const auto name = lower(http::trim(line.substr(0, colon)));
    const auto value = lower(line.substr(std::min(colon + 1, line.size())));
    if (name == "transfer-encoding" && value.find("chunked") != std::string::npos) chunked = true;
    if (name == "content-length") length = std::strtoull(value.c_str(), nullptr, 10);
  }
  if (bodiless) return bytes.size() - rest.size();
  if (chunked) {
    skip_chunks(rest);
  } else {
    rest.remove_prefix(std::min<std::size_t>(length, rest.size()));
  }
  return bytes.size() - rest.size();
}

}  // namespace tidegate::fuzz
