// One question to an OCSP responder over HTTP (RFC 6960 A.1). Runs on the control thread's io_context.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <boost/system/result.hpp>

#include "wire/net/ocsp.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::gateway {

struct OcspFetchLimits {
  std::chrono::milliseconds deadline{10'000};  // over resolving, connecting and the whole answer
  std::size_t most_bytes = 64 * 1024;          // of the answer's body
};

struct OcspFetchFailure {
  enum class Kind : std::uint8_t {
    unreachable,  // no name, no connection, or one that was lost
    timeout,
    http,  // an answer that is not HTTP, has another status than 200, or is too large
  };
  Kind kind;
  std::string why;  // for people
};

// POSTs a request over a connection of its own. Redirects are not followed.
class OcspFetch {
 public:
  using Result = boost::system::result<std::string, OcspFetchFailure>;  // the body
  using Done = std::function<void(Result)>;

  // Starts it. `done` is called once, from `context`, never from within the constructor; it may destroy the
  // fetch.
  OcspFetch(boost::asio::io_context& context, const net::OcspResponder& responder, std::string request,
            OcspFetchLimits limits, Done done);
  // Closes the connection of a fetch that has not ended; its `done` will not be called.
  ~OcspFetch();
  OcspFetch(const OcspFetch&) = delete;
  OcspFetch& operator=(const OcspFetch&) = delete;

 private:
  class Attempt;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace tidegate::gateway
