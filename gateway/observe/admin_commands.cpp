#include "gateway/observe/admin_commands.hpp"

#include <optional>

namespace tidegate::gateway {
namespace {

constexpr std::string_view kEndpoints = "/endpoints/";
constexpr std::string_view kUpstream = "upstream=";
constexpr std::string_view kProgram = "program=";
constexpr std::string_view kJson = "format=json";

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return plain;
}

// `/endpoints/ADDRESS/drain?upstream=NAME`; the address may hold slashes (a Unix socket's).
std::optional<EndpointOrder> parse_order(std::string_view path, std::string_view query) {
  if (!path.starts_with(kEndpoints)) return std::nullopt;
  path.remove_prefix(kEndpoints.size());
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  const auto verb = path.substr(slash + 1);
  if (verb != "drain" && verb != "undrain") return std::nullopt;
  if (!query.empty() && !query.starts_with(kUpstream)) return std::nullopt;
  const auto address = unescape(path.substr(0, slash));
  const auto upstream = unescape(query.substr(query.empty() ? 0 : kUpstream.size()));
  if (!address || !upstream) return std::nullopt;
  return EndpointOrder{*address, *upstream, verb == "drain"};
}

AdminReply unknown(std::string_view target) {
  return text_reply(
      404, "there is no command " + std::string(target) +
               "; there are /status, /reload, /upgrade, /drain, /undrain and /endpoints/ADDRESS/drain or "
               "/undrain");
}

}  // namespace

AdminReply text_reply(int status, std::string text) {
  if (!text.ends_with('\n')) text += '\n';
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

std::string escape_address(std::string_view address) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-._~:[]/@";
  std::string text;
  for (const char c : address) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || plain.find(c) != std::string_view::npos) {
      text += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    text.append({'%', digits[byte >> 4], digits[byte & 15]});
  }
  return text;
}

void perform(const AdminCommands& commands, std::string_view method, std::string_view target,
             const AdminReplyTo& reply) {
  const auto mark = target.find('?');
  const auto path = target.substr(0, mark);
  const auto query = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  if (path == "/status") {
    if (method != "GET") return reply(text_reply(405, "/status only reads: ask for it with GET"));
    if (!query.empty() && query != kJson) return reply(unknown(target));
    return reply(commands.status(query == kJson));
  }
  const auto order = parse_order(path, query);
  const bool known =
      path == "/reload" || path == "/drain" || path == "/undrain" || path == "/upgrade" || order;
  if (!known) return reply(unknown(target));
  if (method == "GET" && path == "/drain") return reply(commands.drain_state());
  // So that no link that somebody follows changes anything.
  if (method != "POST") return reply(text_reply(405, "commands are sent with POST"));
  if (path == "/reload") return commands.reload(reply);
  if (path == "/upgrade") {
    const auto program = unescape(query.starts_with(kProgram) ? query.substr(kProgram.size()) : query);
    if (!program) return reply(unknown(target));
    return commands.upgrade(*program, reply);
  }
  if (path == "/drain") return reply(commands.drain());
  if (path == "/undrain") return reply(commands.undrain());
  reply(commands.endpoint(*order));
}

}  // namespace tidegate::gateway
