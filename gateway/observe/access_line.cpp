#include <array>
#include <charconv>
#include <concepts>

#include "gateway/observe/access_log.hpp"
#include "gateway/observe/escape.hpp"
#include "gateway/observe/timestamp.hpp"

namespace tidegate::gateway {

namespace {

void append_number(std::string& out, std::integral auto number) {
  std::array<char, 24> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

// nginx counts the bytes after a 101 as body.
std::uint64_t body_bytes_sent(const AccessRecord& record) {
  return record.body_bytes + (record.tunnel ? record.tunnel->from_pod.bytes : 0);
}

// Calls `visit` for each attempt in order, and `gap` with their number where attempts were omitted.
template <class Visit, class Gap>
void for_each_attempt(const AttemptList& attempts, Visit&& visit, Gap&& gap) {
  const auto kept = attempts.kept();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i == AttemptList::capacity / 2 && attempts.omitted() > 0) gap(attempts.omitted());
    visit(kept[i]);
  }
}

// === combined and main ===

void append_request_line(std::string& out, const AccessRecord& record) {
  append_log_escaped(out, record.method);
  if (record.method.empty()) return;
  if (!record.target.empty()) {
    out += ' ';
    append_log_escaped(out, record.target);
  }
  if (record.version.empty()) return;
  out += ' ';
  append_log_escaped(out, record.version);
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_log_escaped(out, text);
  out += '"';
}

// $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer"
// "$http_user_agent"
void append_combined(std::string& out, const AccessRecord& record) {
  append_log_escaped(out, record.client_address);
  out += " - ";
  append_log_escaped(out, record.remote_user);
  out += " [";
  append_time_local(out, record.finished_at);
  out += "] \"";
  append_request_line(out, record);
  out += "\" ";
  append_number(out, record.status);
  out += ' ';
  append_number(out, body_bytes_sent(record));
  out += ' ';
  append_quoted(out, record.referer);
  out += ' ';
  append_quoted(out, record.user_agent);
}

// `10.0.0.1:6001=refused/0.001,10.0.0.2:6001=101/0.003`
void append_attempt_list(std::string& out, const AttemptList& attempts) {
  bool first = true;
  const auto comma = [&] {
    if (!first) out += ',';
    first = false;
  };
  const auto visit = [&](const Attempt& attempt) {
    comma();
    append_log_escaped(out, attempt.endpoint);
    out += '=';
    if (attempt.outcome == AttemptOutcome::answered) {
      append_number(out, attempt.status);
    } else {
      out += name_of(attempt.outcome);
    }
    out += '/';
    append_seconds(out, attempt.total);
  };
  const auto gap = [&](std::uint32_t omitted) {
    comma();
    out += '+';
    append_number(out, omitted);
  };
  for_each_attempt(attempts, visit, gap);
}

void append_tunnel_text(std::string& out, const AccessRecord& record) {
  const auto& tunnel = *record.tunnel;
  const auto direction = [&](std::string_view name, const TunnelDirection& d) {
    out += name;
    append_number(out, d.bytes);
    out += '/';
    append_number(out, d.messages);
    out += '/';
    append_number(out, d.close_code);
  };
  out += " ws=\"handshake=";
  append_seconds(out, record.handshake_time);
  out += " life=";
  append_seconds(out, tunnel.life);
  direction(" in=", tunnel.from_client);
  direction(" out=", tunnel.from_pod);
  if (tunnel.gateway_close_code != 0) {
    out += " gateway=";
    append_number(out, tunnel.gateway_close_code);
  }
  out += " first=";
  out += name_of(tunnel.closed_first);
  out += " end=";
  out += name_of(tunnel.end);
  if (tunnel.truncated) out += " truncated";
  if (tunnel.from_client.cut) out += " client_cut";
  if (tunnel.from_pod.cut) out += " pod_cut";
  out += '"';
}

// A value that is written without quotes must not hold a blank.
void append_word(std::string& out, std::string_view key, std::string_view text) {
  out += ' ';
  out += key;
  out += '=';
  if (text.find(' ') == text.npos) {
    append_log_escaped(out, text);
  } else {
    append_quoted(out, text);
  }
}

void append_main(std::string& out, const AccessRecord& record) {
  append_combined(out, record);
  out += ' ';
  append_quoted(out, record.x_forwarded_for);
  append_word(out, "id", record.request_id);
  append_word(out, "host", record.host);
  append_word(out, "route", record.route);
  append_word(out, "upstream", record.upstream);
  out += " rt=";
  append_seconds(out, record.request_time);
  if (record.attempts.total() > 0) {
    out += " attempts=";
    append_attempt_list(out, record.attempts);
    out += " uht=";
    append_seconds(out, record.attempts.kept().back().header);
  }
  if (record.hold_time.count() > 0) {
    out += " hold=";
    append_seconds(out, record.hold_time);
  }
  if (record.failure != FailureReason::none) append_word(out, "error", describe(record.failure).name);
  if (record.tunnel) append_tunnel_text(out, record);
}

// === json ===

// Writes members of one object; the caller writes the braces.
class JsonMembers {
 public:
  explicit JsonMembers(std::string& out) : out_(out) {}

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  void number(std::string_view name, std::integral auto value) {
    key(name);
    append_number(out_, value);
  }
  void seconds(std::string_view name, std::chrono::microseconds value) {
    key(name);
    append_seconds(out_, value);
  }
  void truth(std::string_view name, bool value) {
    key(name);
    out_ += value ? "true" : "false";
  }
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }

 private:
  std::string& out_;
  bool first_ = true;
};

void append_json_attempts(std::string& out, const AttemptList& attempts) {
  bool first = true;
  out += '[';
  const auto visit = [&](const Attempt& attempt) {
    if (!first) out += ',';
    first = false;
    out += '{';
    JsonMembers members(out);
    members.text("endpoint", attempt.endpoint);
    members.text("outcome", name_of(attempt.outcome));
    if (attempt.status != 0) members.number("status", attempt.status);
    if (attempt.reused) members.truth("reused", true);
    members.seconds("connect_time", attempt.connect);
    members.seconds("header_time", attempt.header);
    members.seconds("time", attempt.total);
    out += '}';
  };
  for_each_attempt(attempts, visit, [](std::uint32_t) {});
  out += ']';
}

void append_json_direction(std::string& out, const TunnelDirection& direction) {
  out += '{';
  JsonMembers members(out);
  members.number("bytes", direction.bytes);
  members.number("messages", direction.messages);
  if (direction.close_code != 0) members.number("close_code", direction.close_code);
  if (direction.cut) members.truth("cut", true);
  out += '}';
}

void append_json_tunnel(std::string& out, const AccessRecord& record) {
  const auto& tunnel = *record.tunnel;
  out += '{';
  JsonMembers members(out);
  members.seconds("handshake_time", record.handshake_time);
  members.seconds("life", tunnel.life);
  members.key("from_client");
  append_json_direction(out, tunnel.from_client);
  members.key("from_pod");
  append_json_direction(out, tunnel.from_pod);
  if (tunnel.gateway_close_code != 0) members.number("gateway_close_code", tunnel.gateway_close_code);
  members.text("closed_first", name_of(tunnel.closed_first));
  members.text("end", name_of(tunnel.end));
  members.truth("truncated", tunnel.truncated);
  out += '}';
}

void append_json_request(JsonMembers& members, std::string& out, const AccessRecord& record) {
  members.key("time");
  out += '"';
  append_rfc3339(out, record.finished_at);
  out += '"';
  members.text("request_id", record.request_id);
  members.text("client", record.client_address);
  if (record.client_port != 0) members.number("client_port", record.client_port);
  members.text("server", record.server_address);
  if (!record.remote_user.empty()) members.text("user", record.remote_user);
  members.text("method", record.method);
  members.text("target", record.target);
  members.text("version", record.version);
  members.text("host", record.host);
  members.text("referer", record.referer);
  members.text("user_agent", record.user_agent);
  members.text("x_forwarded_for", record.x_forwarded_for);
  members.number("status", record.status);
  members.number("request_bytes", record.request_bytes);
  members.number("body_bytes_sent", body_bytes_sent(record));
  members.seconds("request_time", record.request_time);
}

void append_json(std::string& out, const AccessRecord& record) {
  out += '{';
  JsonMembers members(out);
  append_json_request(members, out, record);
  members.text("route", record.route);
  members.text("upstream", record.upstream);
  members.number("attempts_total", record.attempts.total());
  members.key("attempts");
  append_json_attempts(out, record.attempts);
  members.number("retries", record.retries);
  members.seconds("hold_time", record.hold_time);
  if (record.failure != FailureReason::none) {
    members.text("failure", describe(record.failure).name);
    if (!record.failure_details.empty()) members.text("failure_details", record.failure_details);
    if (!record.limit.empty()) members.text("limit", record.limit);
  }
  if (record.tunnel) {
    members.key("websocket");
    append_json_tunnel(out, record);
  }
  out += '}';
}

}  // namespace

void append_access_line(std::string& out, const AccessRecord& record, conf::AccessFormat format) {
  switch (format) {
    case conf::AccessFormat::combined: append_combined(out, record); break;
    case conf::AccessFormat::main: append_main(out, record); break;
    case conf::AccessFormat::json: append_json(out, record); break;
  }
  out += '\n';
}

}  // namespace tidegate::gateway
