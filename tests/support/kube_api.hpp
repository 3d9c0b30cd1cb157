// An API server of Kubernetes in the hands of a test or a tool: it keeps EndpointSlices and answers lists and
// watches of them as a real one does (chunked lists with `continue`, watches from a version, bookmarks, 410
// for versions it has forgotten), over real sockets of 127.0.0.1, on an own thread. Every call of it returns
// when it has taken effect; any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/kube_slice.hpp"

namespace tidegate::test {

// PEM files; no certificate: clear text.
struct KubeTls {
  std::string certificate = {};
  std::string key = {};
  std::string client_authority = {};  // whose clients are let in; empty: none is asked for a certificate
};

struct KubeCounts {
  int lists = 0;  // pages of lists
  int watches = 0;
  int others = 0;   // anything else: nothing of tidegate asks for that
  int refused = 0;  // answered with 401 or 403
  int open_watches = 0;
};

class KubeApi {
 public:
  explicit KubeApi(const KubeTls& tls = {});
  ~KubeApi();
  KubeApi(const KubeApi&) = delete;
  KubeApi& operator=(const KubeApi&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;

  // === slices ===
  void put_slice(const KubeSlice& slice);
  void delete_slice(const std::string& name_space, const std::string& name);
  [[nodiscard]] std::uint64_t version() const;
  // Sends one to every open watch that allows them. None comes by itself.
  void send_bookmarks();

  // === faults ===
  void compact();         // forgets history: what goes on from an older version gets 410
  void expire_watches();  // the same, and ends the open ones with that error
  void close_watches();   // ends the open ones in order
  void cut_next_event();  // half of the next event goes out, then the connection is closed
  // Bytes of the body that go out at a time; 0: all at once.
  void set_pieces(std::size_t bytes);
  void set_stalled(bool stalled);  // takes requests and answers none
  // 401 unless this token comes with the request; empty: anybody may ask.
  void require_token(const std::string& token);
  // Every request is answered with this, with a Status that has the message; 0: none is.
  void refuse(int status, const std::string& message = {});
  // Every request is answered with this body as it is; empty: none is.
  void answer_exactly(const std::string& body);
  // Closes everything and refuses connections until it is started again, at the same port.
  void stop();
  void start();

  [[nodiscard]] KubeCounts counts() const;
  // The targets of the last thousand requests.
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  class Server;
  class Session;
  std::unique_ptr<Server> server_;
};

}  // namespace tidegate::test
