// A tunnel on its way from one process of the gateway to another: taken out of its loop, as bytes and two
// descriptors, and set up again elsewhere; or back, if nothing comes of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/process/client_key.hpp"
#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

class Tunnel;
struct TunnelOpening;
struct UpstreamCounters;

// A place at a limit that the client holds.
struct HeldPlace {
  std::string limit;
  ClientKey client;
  bool connection = false;
  bool websocket = false;

  template <class Archive>
  void carry(Archive& archive) {
    archive(limit, client, connection, websocket);
  }
};

// What the other process needs to know to find a place for it.
struct TunnelFacts {
  std::string endpoint;   // its address
  bool followed = false;  // its frames are
  std::vector<HeldPlace> places;
  AccessRecord record;  // of the handshake; names the upstream and the route

  template <class Archive>
  void carry(Archive& archive) {
    archive(endpoint, followed, places, record);
  }
};

struct FrozenTunnel {
  Tunnel* tunnel = nullptr;  // frozen until its worker thaws it or lets it go
  int client = -1;           // its descriptors, which stay its own
  int pod = -1;
  std::string facts;  // a packed TunnelFacts
  std::string state;  // the rest, for `Tunnel::take_over`
};

// One that has come from another process and has found a place in this one.
struct MovedTunnel {
  std::size_t worker = 0;                      // that will have it
  std::shared_ptr<const conf::Config> config;  // in which its place was found
  std::unique_ptr<TunnelOpening> opening;      // but for its streams
  UpstreamCounters* counters = nullptr;
  net::UniqueFd client;
  net::UniqueFd pod;
  std::string state;
};

}  // namespace tidegate::gateway
