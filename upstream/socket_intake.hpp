// Whether an endpoint takes new WebSockets: a property beside its state, from what the probes say that were
// configured for it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "conf/config.hpp"
#include "upstream/endpoint_state.hpp"

namespace tidegate::upstream {

// Which probe of an endpoint speaks.
enum class ProbeKind : std::uint8_t {
  readiness,   // of the endpoint as a whole
  new_socket,  // of new WebSockets: what the endpoint says
  websocket,   // of new WebSockets: whether one can be opened
};
inline constexpr std::array<ProbeKind, 2> socket_probes{ProbeKind::new_socket, ProbeKind::websocket};
// The key of the configuration.
[[nodiscard]] std::string_view name_of(ProbeKind kind);
[[nodiscard]] const std::optional<conf::Probe>& probe_of(const conf::Upstream& settings, ProbeKind kind);
// Whether anything can keep new WebSockets away from its endpoints.
[[nodiscard]] bool has_socket_probes(const conf::Upstream& settings);

// What the probes of one endpoint have said. Open while all that are configured have passed; before its first
// verdict a probe has not. A virtual address stands for many pods and is always open.
class SocketIntake {
 public:
  // Goes by these probes from now on. What one has said stays, also where it was changed; one that was not
  // there before is taken to have passed where `holds`, so that it takes nothing away before it has spoken.
  void configure(const conf::Upstream& settings, bool holds);
  // True if that is worth telling: whether it is open has changed, or one more probe fails. What is not
  // configured is ignored.
  [[nodiscard]] bool report(ProbeKind kind, Verdict verdict, std::string cause);
  // All are asked anew.
  void forget();

  [[nodiscard]] bool open() const;
  // It is shut because a probe has not spoken yet, and none has failed.
  [[nodiscard]] bool awaits_word() const;
  // What stands against it, of each probe: "newSocketProbe: HTTP 500 in 1.2 ms; webSocketProbe: no answer
  // yet". Empty if nothing does.
  [[nodiscard]] std::string objections() const;
  [[nodiscard]] Verdict verdict(ProbeKind kind) const { return words_[index_of(kind)].verdict; }
  [[nodiscard]] const std::string& cause(ProbeKind kind) const { return words_[index_of(kind)].cause; }

  // What was said, to or from an archive.
  template <class Archive>
  void carry(Archive& archive) {
    for (auto& word : words_) archive(word.verdict, word.cause);
  }

 private:
  struct Word {
    bool configured = false;
    Verdict verdict = Verdict::unknown;
    std::string cause;  // of the verdict
  };
  [[nodiscard]] static std::size_t index_of(ProbeKind kind) { return kind == ProbeKind::new_socket ? 0 : 1; }

  std::array<Word, socket_probes.size()> words_;
  bool virtual_address_ = false;
};

}  // namespace tidegate::upstream
