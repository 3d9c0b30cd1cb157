// What can be ordered over the admin socket: requests to functions, results to answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "gateway/observe/admin.hpp"

namespace tidegate::gateway {

// Which endpoints an order is for.
struct EndpointOrder {
  std::string address;   // or name
  std::string upstream;  // empty: of whatever upstream
  bool drain = false;    // false: the order to drain is taken back
};

// Each is called on the io_context's thread and replies there, at once or later, with a sentence for people:
// 200 if it was done, 4xx or 5xx with the reason if not.
struct AdminCommands {
  std::function<void(AdminReplyTo)> reload;  // POST /reload
  // POST /upgrade; the program is empty for the one that runs.
  std::function<void(std::string program, AdminReplyTo)> upgrade;
  std::function<AdminReply()> drain;        // POST /drain
  std::function<AdminReply()> undrain;      // POST /undrain
  std::function<AdminReply()> drain_state;  // GET /drain: JSON
  // GET /status, or /status?format=json: 200 if the gateway is ready, 503 if not.
  std::function<AdminReply(bool json)> status;
  std::function<AdminReply(const EndpointOrder&)> endpoint;  // POST /endpoints/ADDRESS/drain, .../undrain
};

// Performs what a request asks for, or replies 404 or 405.
void perform(const AdminCommands& commands, std::string_view method, std::string_view target,
             const AdminReplyTo& reply);

// A text of one line or more as an answer.
[[nodiscard]] AdminReply text_reply(int status, std::string text);

// For an address within a target: everything but letters, digits and `-._~:[]/@` as %HH.
[[nodiscard]] std::string escape_address(std::string_view address);

}  // namespace tidegate::gateway
