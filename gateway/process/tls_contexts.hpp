// The TLS contexts of a configuration: its certificates, keys and CA files, read and checked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "conf/config_error.hpp"
#include "wire/net/file_stamp.hpp"
#include "wire/net/tls_client.hpp"
#include "wire/net/tls_server.hpp"
#include "wire/net/tls_tickets.hpp"

namespace tidegate::gateway {

// Immutable once built; shared by control and workers.
struct TlsContexts {
  std::vector<std::shared_ptr<const net::TlsServer>> listeners;  // as Config::listeners; null: clear text
  std::vector<std::shared_ptr<const net::TlsClient>> upstreams;  // as Config::upstreams; null: clear text
  std::vector<net::TicketSecret> ticket_secrets;                 // of Config::ticket_keys; empty: own ones
};

struct TlsBuild;

// What a certificate is that cannot have the OCSP response that is to go along with it.
enum class StapleFaults : std::uint8_t {
  faults,    // of the configuration
  warnings,  // it is served without: a renewed certificate is better than one that ends, though its CA may
             // have given up OCSP meanwhile, or the response in a file is that of the certificate before
};

// How contexts are made.
struct TlsMaking {
  TlsMaking(StapleFaults missing = StapleFaults::faults) : staples(missing) {}

  StapleFaults staples;
  const TlsBuild* before = nullptr;  // what is the same there is taken from it
  net::FileStamps stamps = {};       // with `before`: of all files now
};

// Reads all files that `config` names, and adds a fault for each that cannot be used: with its place, its
// file, the reason and the fix. Blocks on the files: not for a worker. The result is complete only if there
// were no faults. `keys` are for the contexts to use and stay as they are: see `use_ticket_keys`.
[[nodiscard]] TlsContexts make_tls_contexts(const conf::Config& config, std::shared_ptr<net::TicketKeys> keys,
                                            net::WallTime now, conf::ConfigErrors& faults,
                                            const TlsMaking& making = {});

// Puts the keys in force that came with `contexts`, or goes on with own ones.
void use_ticket_keys(const TlsContexts& contexts, net::TicketKeys& keys);

// What works but should be put right, one sentence each: see `net::warnings_of`, `name_warnings` and
// `net::kernel_tls_fault`.
[[nodiscard]] std::vector<std::string> tls_warnings(const conf::Config& config, const TlsContexts& contexts,
                                                    net::WallTime now);

}  // namespace tidegate::gateway
