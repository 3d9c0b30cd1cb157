// The state of an endpoint as a pure function of what is known about it.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidegate::upstream {

// What the sources of the endpoint say: all of them together.
enum class Discovery : std::uint8_t {
  present,      // a candidate
  not_serving,  // takes nothing new; what is open goes on
  draining,     // is leaving
  absent,       // none of them has it any more
};
// What probes and connection outcomes say.
enum class Verdict : std::uint8_t { unknown, pass, fail };
// What an operator says.
enum class AdminOrder : std::uint8_t { none, drain };

enum class EndpointState : std::uint8_t {
  probing,   // waiting for the first verdict; not picked
  ready,     // picked
  unready,   // not picked; existing connections go on
  draining,  // not picked; existing connections end by the drain deadline
  removed,   // gone and empty
};

struct EndpointFacts {
  Discovery discovery = Discovery::present;
  Verdict verdict = Verdict::unknown;
  AdminOrder admin = AdminOrder::none;
  bool probed = false;           // a readiness probe is configured
  bool virtual_address = false;  // connection and probe outcomes never take it out
  bool empty = true;             // no connection in use
};

// What a source says against an endpoint wins over every verdict. Whoever keeps the facts resets the verdict
// to unknown when that ends, so that it is probed before it is picked again.
[[nodiscard]] EndpointState derive_state(const EndpointFacts& facts);
[[nodiscard]] std::string_view name_of(EndpointState state);

}  // namespace tidegate::upstream
