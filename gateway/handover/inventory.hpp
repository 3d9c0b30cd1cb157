// What one process of the gateway tells the one that takes over from it, its tunnels aside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gateway/process/limit_table.hpp"
#include "upstream/registry.hpp"
#include "wire/net/deadline_wheel.hpp"
#include "wire/net/tls_tickets.hpp"

namespace tidegate::gateway {

// The first word of the new process.
struct HandoverGreeting {
  std::uint32_t format = 0;  // see handover_format
  std::string version;       // of the program

  template <class Archive>
  void carry(Archive& archive) {
    archive(format, version);
  }
};

// What is known of an endpoint.
struct EndpointFacts {
  std::string upstream;
  std::string address;
  upstream::Discovery discovery{};
  upstream::EndpointState state{};
  std::string cause;  // of its state
  bool drained_by_order = false;
  net::TimePoint ready_since;  // its slow start
  upstream::SocketIntake sockets;
  std::string name;
  std::string host;  // whom its certificate must name
  std::int32_t weight = 1;
  std::int32_t priority = 0;
  bool dual_stack = false;

  template <class Archive>
  void carry(Archive& archive) {
    archive(upstream, address, discovery, state, cause, drained_by_order, ready_since, sockets, name, host,
            weight, priority, dual_stack);
  }
};

[[nodiscard]] EndpointFacts facts_of(const upstream::EndpointReport& report,
                                     const upstream::Endpoint& endpoint);
// As a source would tell it, for the time until the sources have spoken. None if its address is none.
[[nodiscard]] std::optional<upstream::DiscoveredEndpoint> offer_of(const EndpointFacts& facts);

// Goes along with the descriptors of its sockets, in its order.
struct Inventory {
  std::vector<std::uint8_t> lent;  // of each listening socket: see InheritedSockets
  std::string admin;               // the address of the admin listener, whose socket comes next; empty: none
  std::string commands;            // the path of the command socket, which comes last; empty: none
  net::TicketKeys::Kept tickets;
  std::vector<EndpointFacts> endpoints;

  template <class Archive>
  void carry(Archive& archive) {
    archive(lent, admin, commands, tickets, endpoints);
  }
};

// What a limit has counted.
struct LimitFacts {
  std::string name;
  std::vector<ClientRates> rates;

  template <class Archive>
  void carry(Archive& archive) {
    archive(name, rates);
  }
};

// A tunnel, beside two descriptors: its client's and its pod's.
struct TunnelParcel {
  std::string facts;
  std::string state;

  template <class Archive>
  void carry(Archive& archive) {
    archive(facts, state);
  }
};

struct TunnelBatch {
  std::vector<LimitFacts> limits;  // with the first batch
  std::vector<TunnelParcel> tunnels;

  template <class Archive>
  void carry(Archive& archive) {
    archive(limits, tunnels);
  }
};

// Which of a batch have found a place.
struct TakenTunnels {
  std::vector<std::uint8_t> taken;  // 1 or 0 for each

  template <class Archive>
  void carry(Archive& archive) {
    archive(taken);
  }
};

// How many places at an endpoint are still taken in the old process.
struct RemainingPlaces {
  std::string upstream;
  std::string address;
  std::int32_t count = 0;

  template <class Archive>
  void carry(Archive& archive) {
    archive(upstream, address, count);
  }
};

}  // namespace tidegate::gateway
