// Records as the exchange would fill them.
#pragma once

#include <chrono>

#include "gateway/observe/access_record.hpp"

namespace tidegate::gateway {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// 2024-05-01T08:00:00.123Z
inline std::chrono::system_clock::time_point sample_time() {
  return std::chrono::system_clock::time_point(milliseconds(1'714'550'400'123));
}

inline AccessRecord plain_record() {
  AccessRecord record;
  record.finished_at = sample_time();
  record.request_time = milliseconds(12);
  record.request_bytes = 210;
  record.body_bytes = 612;
  record.client_port = 50'000;
  record.status = 200;
  record.client_address = "192.0.2.7";
  record.server_address = "0.0.0.0:80";
  record.method = "GET";
  record.target = "/index.html?a=1";
  record.version = "HTTP/1.1";
  record.host = "socket.example.com";
  record.user_agent = "curl/8.5";
  record.request_id = "r-1";
  record.route = "socket";
  record.upstream = "soketi";
  record.attempts.push_back(
      {"10.0.0.1:6001", AttemptOutcome::answered, true, 200, {}, milliseconds(9), milliseconds(11)});
  return record;
}

inline AccessRecord refused_record() {
  auto record = plain_record();
  record.status = 502;
  record.failure = FailureReason::connection_refused;
  record.body_bytes = 40;
  record.retries = 1;
  record.hold_time = milliseconds(250);
  record.attempts.clear();
  record.attempts.push_back({"10.0.0.1:6001", AttemptOutcome::refused, false, 0, {}, {}, milliseconds(1)});
  record.attempts.push_back(
      {"10.0.0.2:6001", AttemptOutcome::connect_timeout, false, 0, {}, {}, milliseconds(5'000)});
  return record;
}

inline TunnelRecord sample_tunnel() {
  TunnelRecord tunnel;
  tunnel.life = milliseconds(61'500);
  tunnel.from_client = {1'000, 10, 1001};
  tunnel.from_pod = {2'000, 20, 1001};
  tunnel.closed_first = TunnelSide::client;
  return tunnel;
}

inline AccessRecord tunnel_record() {
  auto record = plain_record();
  record.status = 101;
  record.upgrade = true;
  record.body_bytes = 0;
  record.handshake_time = milliseconds(15);
  record.request_time = milliseconds(61'515);
  record.tunnel = sample_tunnel();
  return record;
}

}  // namespace tidegate::gateway
