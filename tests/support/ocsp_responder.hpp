// A responder of OCSP in the hands of a test, over a real socket of 127.0.0.1.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/support/scripted_backend.hpp"

namespace tidegate::test {

class OcspResponder {
 public:
  OcspResponder();

  [[nodiscard]] std::string url() const { return "http://" + backend_.address() + "/ocsp"; }
  // The answer to every request from now on: a response in DER, or exact bytes; no bytes at all is silence.
  void answer(const std::string& der);
  void answer_exactly(const std::string& bytes);
  // Refuses connections, and takes them again.
  void refuse() { backend_.refuse(); }
  void listen() { backend_.listen(); }

  [[nodiscard]] std::size_t asked() const { return requests().size(); }
  [[nodiscard]] std::vector<Request> requests() const;
  // Connections it has had, whether or not a request came.
  [[nodiscard]] int connections() const { return backend_.connections(); }

 private:
  mutable std::mutex mutex_;  // guards the next two
  std::string answer_;
  std::vector<Request> requests_;
  ScriptedBackend backend_;  // last: its threads use what is above
};

}  // namespace tidegate::test
