#include "tests/support/ocsp_responder.hpp"

namespace tidegate::test {

OcspResponder::OcspResponder() {
  backend_.serve([this](RawSocket& connection) {
    auto request = connection.read_request();
    std::string answer;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
      answer = answer_;
    }
    // A client that has read enough may have gone.
    if (!answer.empty() && connection.try_send(answer)) connection.half_close();
    (void)connection.at_end();
  });
}

void OcspResponder::answer(const std::string& der) {
  answer_exactly("HTTP/1.1 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: " +
                 std::to_string(der.size()) + "\r\n\r\n" + der);
}

void OcspResponder::answer_exactly(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  answer_ = bytes;
}

std::vector<Request> OcspResponder::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace tidegate::test
