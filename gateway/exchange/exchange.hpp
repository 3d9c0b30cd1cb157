// Everything one request needs while it is served. Exchanges are recycled by their worker: their vectors and
// strings keep their capacity, so that a keep-alive request allocates nothing.
#pragma once

#include <string>
#include <vector>

#include "gateway/exchange/client_identity.hpp"
#include "gateway/observe/access_record.hpp"
#include "gateway/process/limit_table.hpp"
#include "gateway/process/worker_view.hpp"
#include "upstream/endpoint.hpp"
#include "wire/http/framing.hpp"
#include "wire/http/head.hpp"
#include "wire/http/head_parser.hpp"
#include "wire/http/target.hpp"
#include "wire/http/upgrade.hpp"
#include "wire/net/buffer.hpp"
#include "wire/net/deadline_wheel.hpp"
#include "wire/net/tls_facts.hpp"

namespace tidegate::gateway {

// What becomes of the client's connection after an exchange.
enum class After : std::uint8_t {
  keep,    // the next request
  close,   // an orderly end: FIN, then what the client still sends is read for a while (RFC 9112 9.6)
  abort,   // RST: the client must not take a cut answer for whole
  tunnel,  // its stream now belongs to a tunnel
};

struct Exchange {
  // --- the request; views point into the connection's buffer ---
  http::HeadParser request_parser;
  http::RequestHead request;
  http::Framing framing;
  http::Target target;
  http::UpgradeAsk upgrade = http::UpgradeAsk::none;
  std::string_view authority;     // of the target or the Host field; empty if there is none
  std::string host;               // lower case, without port
  std::string path;               // normalised, for matching
  std::string_view peer_address;  // of the connection; the client's own unless the peer is a trusted proxy
  bool peer_trusted = false;      // the connection comes from a trusted proxy
  ForwardedClient forwarded;      // of a trusted peer, where Forwarded is believed
  const net::TlsFacts* tls = nullptr;   // of a connection under TLS
  std::string_view client_certificate;  // for the Client-Cert field; empty: none is sent
  std::string_view hsts;                // value of Strict-Transport-Security; empty: none is sent
  net::TimePoint started{};             // first byte of the head

  // --- where it goes ---
  WorkerViewPtr view;          // pins the routes for the life of the exchange
  std::uint32_t listener = 0;  // index into its listeners
  const CompiledRoute* route = nullptr;

  LimitPlaces places;  // at the limits of its client, until it ends

  // --- the answer ---
  http::HeadParser response_parser;
  http::ResponseHead response;
  http::Framing response_framing;
  net::Buffer out;            // heads being written
  net::Buffer answer;         // bytes read from the upstream
  bool answer_begun = false;  // a byte of a final head went to the client
  net::Buffer rest;           // what followed the request's body: the next request's first bytes
  bool body_read = false;     // the body was read whole and `rest` takes the place of the connection's buffer

  // --- the story, for logs ---
  AccessRecord record;
  std::string request_id;
  std::string failure_details;
  std::string client_address;
  std::string user;                        // whom the client has shown itself to be
  std::string scratch;                     // expanded values
  std::string forwarded_for;               // $proxy_add_x_forwarded_for, made by Variables
  std::vector<upstream::EndpointPtr> met;  // keeps the addresses that `record.attempts` views

  void clear();
};

// The client wants the connection to go on after this request (RFC 9112 9.3).
[[nodiscard]] inline bool keeps_alive(const Exchange& exchange) {
  return http::wants_keep_alive(exchange.request.version, exchange.request.fields);
}

}  // namespace tidegate::gateway
