// One GET to an API server over an own connection, whose answer is handed on while it comes. Runs on the
// control thread's io_context.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "upstream/discovery/kubernetes/api_access.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::upstream {

struct ApiQuestion {
  ApiAccess access;
  std::string target;                         // behind the access's path
  std::chrono::milliseconds resolve{20'000};  // the system's resolver gives a dead name server 5 s
  std::chrono::milliseconds connect{5'000};   // for each address, and again for the TLS handshake
  std::chrono::milliseconds head{15'000};     // from the request sent to the head of its answer
  std::chrono::milliseconds body{30'000};     // from there to the end of the answer
};

struct ApiEvents {
  std::function<void(int status)> head;
  std::function<void(std::string_view)> bytes;  // of the body, without its framing
  // Called once, last. What is missing of the answer, as a sentence says it; empty if it came whole.
  std::function<void(std::string why)> end;
};

class ApiRequest {
 public:
  // Starts it. The events come from `context`, never from within the constructor; each may destroy the
  // request.
  ApiRequest(boost::asio::io_context& context, ApiQuestion question, ApiEvents events);
  // Closes the connection; nothing is told any more.
  ~ApiRequest();
  ApiRequest(const ApiRequest&) = delete;
  ApiRequest& operator=(const ApiRequest&) = delete;

 private:
  class Attempt;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace tidegate::upstream
